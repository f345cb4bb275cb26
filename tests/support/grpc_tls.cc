#include "tests/support/grpc_tls.h"

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>
#include <stdlib.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <iostream>
#include <sstream>

#include "common/src/socket/tcp_port.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/grpc_credentials.h"
#include "udsrpc/grpc_server_credentials.h"

namespace udsrpc::testing {
namespace {

std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

grpc::SslCredentialsOptions ClientOptions(const Certificates& certificates) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = certificates.authority;
  return options;
}

}  // namespace

Certificates MakeCertificates() {
  const TempDir dir;
  ChildProcess script({"bash", UDSRPC_MAKE_CERTIFICATES, dir.path()});
  if (script.Wait() != 0) {
    std::cerr << UDSRPC_MAKE_CERTIFICATES << " failed; is openssl installed?\n";
    abort();
  }
  return {.authority = ReadFile(dir.File("authority.pem")),
          .server = ReadFile(dir.File("server.pem")),
          .server_key = ReadFile(dir.File("server.key")),
          .client = ReadFile(dir.File("client.pem")),
          .client_key = ReadFile(dir.File("client.key"))};
}

const Certificates& TestCertificates() {
  static const Certificates certificates = MakeCertificates();
  return certificates;
}

std::shared_ptr<const ServerCredentials> TlsServer(bool demands_client) {
  const Certificates& certificates = TestCertificates();
  grpc::SslServerCredentialsOptions options(demands_client ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                           : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  options.pem_root_certs = certificates.authority;
  options.pem_key_cert_pairs.push_back({certificates.server_key, certificates.server});
  return GrpcCredentials(grpc::SslServerCredentials(options),
                         demands_client ? ClientCertificates::kVerified : ClientCertificates::kNotVerified);
}

std::shared_ptr<const ChannelCredentials> TlsClient(const Certificates& certificates) {
  return GrpcCredentials(grpc::SslCredentials(ClientOptions(certificates)));
}

std::shared_ptr<const ChannelCredentials> MutualTlsClient() {
  grpc::SslCredentialsOptions options = ClientOptions(TestCertificates());
  options.pem_private_key = TestCertificates().client_key;
  options.pem_cert_chain = TestCertificates().client;
  return GrpcCredentials(grpc::SslCredentials(options));
}

int PortForAServer() {
  // Below what ip_local_port_range usually begins with.
  constexpr int kFirst = 10000;
  constexpr int kCount = 20000;
  static std::atomic<unsigned> given{static_cast<unsigned>(getpid()) * 127};
  for (;;) {
    const int port = kFirst + static_cast<int>(given++ % kCount);
    if (CheckPortIsFree("127.0.0.1", port, /*shared=*/false).ok()) return port;
  }
}

}  // namespace udsrpc::testing
