// A greeter on this host and beyond it:
//
//   tls_server [--require_client_certificate] CERTIFICATES ENDPOINT ADDRESS
//
// serves ENDPOINT ("unix:/run/greeter.sock") as any server, and ADDRESS ("[::]:443", "localhost:0") over TLS, with the
// certificates of a directory as make_certificates.sh makes it, until it gets SIGINT or SIGTERM.

#include "udsrpc/server.h"

#include <grpcpp/security/server_credentials.h>
#include <signal.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "udsrpc/grpc_server_credentials.h"

ABSL_FLAG(bool, require_client_certificate, false, "turn away who shows no certificate (mutual TLS)");

namespace {

std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

// README: who
std::string NameOf(const udsrpc::Peer& peer) {
  const udsrpc::Peer::Remote* remote = peer.remote();
  if (remote == nullptr) return absl::StrCat("user ", peer.uid(), " of this host");  // by the kernel's word
  if (remote->authenticated) return absl::StrJoin(remote->names, ", ");              // by its certificate's
  return "unknown here";
}
// README: end

class Greeter final : public helloworld::GreeterService {
  absl::Status SayHello(udsrpc::ServerContext& context, const helloworld::HelloRequest& request,
                        helloworld::HelloReply& reply) override {
    reply.set_message(absl::StrCat("Hello, ", request.name(), "! You are ", NameOf(context.peer()), "."));
    return absl::OkStatus();
  }
};

// README: server
std::shared_ptr<const udsrpc::ServerCredentials> Credentials(const std::string& certificates) {
  grpc::SslServerCredentialsOptions options(absl::GetFlag(FLAGS_require_client_certificate)
                                                ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                                                : GRPC_SSL_REQUEST_CLIENT_CERTIFICATE_AND_VERIFY);
  options.pem_root_certs = ReadFile(certificates + "/authority.pem");
  options.pem_key_cert_pairs.push_back(
      {ReadFile(certificates + "/server.key"), ReadFile(certificates + "/server.pem")});
  return udsrpc::GrpcCredentials(grpc::SslServerCredentials(options), udsrpc::ClientCertificates::kVerified);
}

absl::StatusOr<std::unique_ptr<udsrpc::Server>> Serve(Greeter& greeter, const std::string& certificates,
                                                      const std::string& endpoint, const std::string& address) {
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(endpoint);                                  // "unix:/run/greeter.sock"
  builder.AddRemoteEndpoint(address, Credentials(certificates));  // "[::]:443"
  return builder.RegisterService(&greeter).Start();
}
// README: end

int Fail(absl::string_view message) {
  std::cerr << "tls_server: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  absl::SetProgramUsageMessage("greets on this host and beyond: tls_server [flags] CERTIFICATES ENDPOINT ADDRESS");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 4) return Fail("give a directory of certificates, an endpoint and an address");
  Greeter greeter;
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = Serve(greeter, arguments[1], arguments[2], arguments[3]);
  if (!server.ok()) return Fail(server.status().message());
  for (const std::string& endpoint : (*server)->endpoints()) std::cout << "serving " << endpoint << std::endl;

  int signal;
  sigwait(&signals, &signal);
  (*server)->Shutdown(absl::Now() + absl::Seconds(5));
  return 0;
}
