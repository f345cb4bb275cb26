#ifndef UDSRPC_GRPC_SERVER_CREDENTIALS_H_
#define UDSRPC_GRPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

namespace udsrpc {

// Beside server.h, for servers that leave the host. Link udsrpc::remote.

class ServerCredentials;

// What a remote endpoint demands of its clients, and shows them: any credentials of gRPC's, such as
// grpc::SslServerCredentials. grpc::InsecureServerCredentials() encrypts nothing, proves nothing and admits everybody
// who reaches the port: whoever passes them has chosen so. Null where `credentials` is null.
std::shared_ptr<const ServerCredentials> GrpcCredentials(std::shared_ptr<grpc::ServerCredentials> credentials);

}  // namespace udsrpc

#endif  // UDSRPC_GRPC_SERVER_CREDENTIALS_H_
