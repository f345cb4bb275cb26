#include "server/src/call_record.h"

namespace udsrpc {

void CallRecord::Tell(internal::CallEndListener& listener, absl::StatusCode code, absl::string_view message,
                      uint64_t nanoseconds) const {
  listener.OnCallEnd({.method = path_,
                      .code = code,
                      .message = message,
                      .nanoseconds = nanoseconds,
                      .received_messages = sizes_.received_messages(),
                      .received_bytes = sizes_.received_bytes(),
                      .sent_messages = sizes_.sent_messages(),
                      .sent_bytes = sizes_.sent_bytes(),
                      .peer = caller_ == nullptr ? nullptr : &caller_->peer()});
}

}  // namespace udsrpc
