#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

#include "client/src/grpc_stub_call.h"
#include "udsrpc/grpc_channel.h"

namespace udsrpc {
namespace {

class GrpcStubCallFactory final : public grpc::experimental::ClientInterceptorFactoryInterface {
 public:
  GrpcStubCallFactory(std::shared_ptr<Channel> channel, const GrpcStubOptions& options)
      : channel_(std::move(channel)), options_(options) {}

  grpc::experimental::Interceptor* CreateClientInterceptor(grpc::experimental::ClientRpcInfo* info) override {
    return new GrpcStubCall(channel_, *info, options_);
  }

 private:
  const std::shared_ptr<Channel> channel_;
  const GrpcStubOptions options_;
};

// Nobody connects to it.
constexpr char kTarget[] = "unix-abstract:udsrpc.none";

}  // namespace

std::shared_ptr<grpc::Channel> CreateGrpcChannel(std::shared_ptr<Channel> channel, GrpcChannelOptions options) {
  auto& interceptors = options.interceptors;
  const GrpcStubOptions of_calls = {.wait_for_ready = options.wait_for_ready, .generic = options.generic};
  interceptors.push_back(std::make_unique<GrpcStubCallFactory>(std::move(channel), of_calls));
  return grpc::experimental::CreateCustomChannelWithInterceptors(kTarget, grpc::InsecureChannelCredentials(),
                                                                 grpc::ChannelArguments(), std::move(interceptors));
}

}  // namespace udsrpc
