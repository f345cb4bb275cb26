#ifndef UDSRPC_TESTS_SUPPORT_GRPC_TLS_H_
#define UDSRPC_TESTS_SUPPORT_GRPC_TLS_H_

#include <memory>
#include <string>

#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

// An authority, with certificates for localhost and for client.example, made by the example's script when the process
// first asks, and gone with it. Contents of PEM files.
struct Certificates {
  std::string authority;
  std::string server;
  std::string server_key;
  std::string client;
  std::string client_key;
};

// Makes others each time. Aborts the test where openssl does not.
Certificates MakeCertificates();
// Always the same.
const Certificates& TestCertificates();

// Of the server for localhost. `demands_client`: mutual TLS.
std::shared_ptr<const ServerCredentials> TlsServer(bool demands_client = false);
// Trusts the authority of `certificates`.
std::shared_ptr<const ChannelCredentials> TlsClient(const Certificates& certificates = TestCertificates());
// Shows client.example's certificate as well.
std::shared_ptr<const ChannelCredentials> MutualTlsClient();

// A port of 127.0.0.1 that nobody listens on, nor will unless asked to: none of those that the kernel gives away, and
// another one each time.
int PortForAServer();

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_GRPC_TLS_H_
