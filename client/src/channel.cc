#include "udsrpc/channel.h"

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "client/src/active_call.h"
#include "client/src/client_transport.h"

namespace udsrpc {
namespace {

// A stream that ended before it began.
class FailedStream final : public ClientStream {
 public:
  explicit FailedStream(absl::Status status) : status_(std::move(status)) {}
  bool Read(google::protobuf::MessageLite&) override { return false; }
  bool Write(const google::protobuf::MessageLite&) override { return false; }
  bool WritesDone() override { return false; }
  absl::Status Finish() override { return status_; }

 private:
  absl::Status status_;
};

}  // namespace

Channel::Channel(std::string target, Transport transport, std::unique_ptr<ClientTransport> carrier)
    : target_(std::move(target)), transport_(transport), carrier_(std::move(carrier)) {}

Channel::~Channel() = default;

absl::Status Channel::UnaryCall(const MethodDescriptor& method, ClientContext& context,
                                const google::protobuf::MessageLite& request, google::protobuf::MessageLite& response) {
  if (absl::Status status = ActiveCall::Claim(context); !status.ok()) return status;
  return carrier_->UnaryCall(method, context, request, response);
}

std::unique_ptr<ClientStream> Channel::StreamingCall(const MethodDescriptor& method, ClientContext& context,
                                                     const google::protobuf::MessageLite* /*request*/) {
  absl::Status status = ActiveCall::Claim(context);
  if (status.ok()) {
    status = absl::UnimplementedError(absl::StrCat(method.path, ": streaming calls are not implemented yet"));
  }
  return std::make_unique<FailedStream>(std::move(status));
}

}  // namespace udsrpc
