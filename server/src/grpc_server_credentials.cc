#include "server/src/grpc_server_credentials.h"

#include "udsrpc/grpc_server_credentials.h"

namespace udsrpc {

std::shared_ptr<const ServerCredentials> GrpcCredentials(std::shared_ptr<grpc::ServerCredentials> credentials,
                                                         ClientCertificates client_certificates) {
  if (credentials == nullptr) return nullptr;
  return std::make_shared<ServerCredentials>(std::move(credentials),
                                             client_certificates == ClientCertificates::kVerified);
}

}  // namespace udsrpc
