#include "udsrpc/async_call.h"

#include <system_error>
#include <utility>

namespace udsrpc {

void AsyncUnaryCall::Start(Done done) {
  if (!count_.under_way()) return StartCall(std::move(done));
  done_ = std::move(done);
  try {
    StartCall([this](absl::Status status) {
      count_.End(status.code());
      Done done = std::move(done_);
      std::move(done)(std::move(status));
    });
  } catch (const std::system_error&) {  // there is no thread for it
    count_.End(absl::StatusCode::kResourceExhausted);
    done = std::move(done_);  // which may own this
    throw;
  }
}

std::optional<absl::Status> AsyncClientStream::Finish(StatusDone done) {
  if (!count_.under_way()) return FinishCall(std::move(done));
  done_ = std::move(done);
  std::optional<absl::Status> result = FinishCall([this](absl::Status status) {
    count_.End(status.code());
    StatusDone done = std::move(done_);
    std::move(done)(std::move(status));
  });
  if (!result) return std::nullopt;  // it may be gone by now
  count_.End(result->code());
  done_ = nullptr;
  return result;
}

}  // namespace udsrpc
