#include "client/src/grpc_credentials.h"

#include "udsrpc/grpc_credentials.h"

namespace udsrpc {

std::shared_ptr<const ChannelCredentials> GrpcCredentials(std::shared_ptr<grpc::ChannelCredentials> credentials) {
  if (credentials == nullptr) return nullptr;
  return std::make_shared<ChannelCredentials>(std::move(credentials));
}

}  // namespace udsrpc
