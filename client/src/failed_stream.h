#ifndef UDSRPC_CLIENT_FAILED_STREAM_H_
#define UDSRPC_CLIENT_FAILED_STREAM_H_

#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "udsrpc/client_stream.h"

namespace udsrpc {

// A stream that ended before it began.
class FailedStream final : public ClientStream {
 public:
  explicit FailedStream(absl::Status status) : status_(std::move(status)) {}

  bool Read(google::protobuf::MessageLite& /*message*/) override { return false; }
  bool Write(const google::protobuf::MessageLite& /*message*/, bool /*last*/) override { return false; }
  void AttachFds(std::vector<UniqueFd> /*fds*/) override {}
  std::vector<UniqueFd> TakeFds() override { return {}; }
  bool WritesDone() override { return false; }
  void WaitForInitialMetadata() override {}

 private:
  absl::Status FinishCall() override { return status_; }

  const absl::Status status_;
};

}  // namespace udsrpc

#endif  // UDSRPC_CLIENT_FAILED_STREAM_H_
