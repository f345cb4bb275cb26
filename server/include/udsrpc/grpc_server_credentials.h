#ifndef UDSRPC_GRPC_SERVER_CREDENTIALS_H_
#define UDSRPC_GRPC_SERVER_CREDENTIALS_H_

#include <grpcpp/security/server_credentials.h>

#include <memory>

namespace udsrpc {

// Beside server.h, for servers that leave the host. Link udsrpc::remote.

class ServerCredentials;

// Whether the credentials verify the certificate that a client shows, against authorities that they name: gRPC tells of
// a certificate that nobody has verified just as of one that was, and its credentials do not say what they do.
enum class ClientCertificates {
  // Or they ask for none. Nobody counts as authenticated.
  kNotVerified,
  // As by GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY or GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY:
  // Peer::Remote says whose certificate it is. Only right where that is so.
  kVerified,
};

// What a remote endpoint demands of its clients, and shows them: any credentials of gRPC's, such as
// grpc::SslServerCredentials. grpc::InsecureServerCredentials() encrypts nothing, proves nothing and admits everybody
// who reaches the port: whoever passes them has chosen so. Null where `credentials` is null.
//
// Where a server has several remote endpoints, clients count as authenticated only if all of them verify.
std::shared_ptr<const ServerCredentials> GrpcCredentials(
    std::shared_ptr<grpc::ServerCredentials> credentials,
    ClientCertificates client_certificates = ClientCertificates::kNotVerified);

}  // namespace udsrpc

#endif  // UDSRPC_GRPC_SERVER_CREDENTIALS_H_
