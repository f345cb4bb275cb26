// Asks a greeter wherever it is:
//
//   tls_client [--show_certificate] CERTIFICATES TARGET
//
// TARGET is "unix:/run/greeter.sock", or "dns:///localhost:443". Prints the reply.

#include <grpcpp/security/credentials.h>

#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/time/time.h"
#include "greeter.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/grpc_credentials.h"

ABSL_FLAG(bool, show_certificate, false, "say who calls (mutual TLS)");

namespace {

std::string ReadFile(const std::string& path) {
  std::ostringstream content;
  content << std::ifstream(path).rdbuf();
  return content.str();
}

// README: client
absl::StatusOr<std::shared_ptr<udsrpc::Channel>> Connect(const std::string& target, const std::string& certificates) {
  grpc::SslCredentialsOptions options;
  options.pem_root_certs = ReadFile(certificates + "/authority.pem");
  if (absl::GetFlag(FLAGS_show_certificate)) {
    options.pem_private_key = ReadFile(certificates + "/client.key");
    options.pem_cert_chain = ReadFile(certificates + "/client.pem");
  }
  return udsrpc::CreateChannel(target, {.transport = udsrpc::Transport::kAuto,  // the quickest that there is
                                        .credentials = udsrpc::GrpcCredentials(grpc::SslCredentials(options))});
}
// README: end

int Fail(absl::string_view message) {
  std::cerr << "tls_client: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("greets on this host and beyond: tls_client [flags] CERTIFICATES TARGET");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() != 3) return Fail("give a directory of certificates and a target");
  auto channel = Connect(arguments[2], arguments[1]);
  if (!channel.ok()) return Fail(channel.status().message());
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(5));
  helloworld::HelloRequest request;
  helloworld::HelloReply reply;
  request.set_name("world");
  const absl::Status status = helloworld::GreeterStub(*channel).SayHello(context, request, reply);
  if (!status.ok()) return Fail(status.ToString());
  std::cout << reply.message() << "\n";
  return 0;
}
