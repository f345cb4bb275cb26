#ifndef UDSRPC_GRPC_CREDENTIALS_H_
#define UDSRPC_GRPC_CREDENTIALS_H_

#include <grpcpp/security/credentials.h>

#include <memory>

namespace udsrpc {

// Beside channel.h, for channels that leave the host. Link udsrpc::remote.

class ChannelCredentials;

// What a channel demands of a server on another host, and shows it, for ChannelOptions::credentials: any credentials of
// gRPC's, such as grpc::SslCredentials, with call credentials or without. grpc::InsecureChannelCredentials() encrypts
// nothing and believes whoever answers: whoever passes them has chosen so. Null where `credentials` is null.
std::shared_ptr<const ChannelCredentials> GrpcCredentials(std::shared_ptr<grpc::ChannelCredentials> credentials);

}  // namespace udsrpc

#endif  // UDSRPC_GRPC_CREDENTIALS_H_
