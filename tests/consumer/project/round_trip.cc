// Serves consumer.Sums and calls it, over each transport that this program is linked with, and checks the answers:
//
//   round_trip DIRECTORY
//
// DIRECTORY is where its sockets go.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "sum_service.h"
#include "sums.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/client_context.h"
#include "udsrpc/client_stream.h"
#include "udsrpc/server.h"
#include "udsrpc/transport.h"
#ifdef CONSUMER_WITH_EXTENSIONS
#include "udsrpc/health.h"
#include "udsrpc/introspection.h"
#include "udsrpc/reflection.h"
#endif
#ifdef CONSUMER_WITH_SYSTEMD
#include "udsrpc/systemd.h"
#endif

namespace {

using consumer::Numbers;
using consumer::Sum;
using consumer::SumsStub;
using udsrpc::Transport;

#ifdef CONSUMER_WITHOUT_GRPC
constexpr bool kGrpc = false;
const std::vector<Transport> kTransports = {Transport::kSeqpacket};
#else
constexpr bool kGrpc = true;
const std::vector<Transport> kTransports = {Transport::kGrpc, Transport::kSeqpacket, Transport::kAuto};
#endif

absl::Status Expect(int64_t expected, const Sum& sum) {
  if (sum.value() == expected) return absl::OkStatus();
  return absl::InternalError("expected " + std::to_string(expected) + ", got " + std::to_string(sum.value()));
}

absl::Status CheckUnaryCall(const SumsStub& stub) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(10));
  Numbers numbers;
  numbers.add_values(40);
  numbers.add_values(2);
  Sum sum;
  if (absl::Status status = stub.Add(context, numbers, sum); !status.ok()) return status;
  return Expect(42, sum);
}

absl::Status CheckStream(const SumsStub& stub) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(10));
  Sum sum;
  auto writer = stub.AddAll(context, sum);
  Numbers numbers;
  for (int64_t value = 1; value <= 100; ++value) {
    numbers.clear_values();
    numbers.add_values(value);
    if (!writer.Write(numbers)) break;
  }
  if (absl::Status status = writer.Finish(); !status.ok()) return status;
  return Expect(5050, sum);
}

absl::Status CheckError(const SumsStub& stub) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(10));
  Sum sum;
  const absl::Status status = stub.Add(context, Numbers(), sum);
  if (status == absl::InvalidArgumentError("values: there are none")) return absl::OkStatus();
  return absl::InternalError("the handler's status has come as " + status.ToString());
}

absl::Status CheckTransport(const std::string& endpoint, Transport transport) {
  absl::StatusOr<std::shared_ptr<udsrpc::Channel>> channel = udsrpc::CreateChannel(endpoint, {.transport = transport});
  if (!channel.ok()) return channel.status();
  const SumsStub stub(*channel);
  for (auto* check : {CheckUnaryCall, CheckStream, CheckError}) {
    if (absl::Status status = check(stub); !status.ok()) return status;
  }
  return absl::OkStatus();
}

// What a program says that is linked without gRPC and asked for it.
absl::Status CheckAbsence(const std::string& endpoint) {
  const absl::Status status = udsrpc::CreateChannel(endpoint, {.transport = Transport::kGrpc}).status();
  if (status.code() == absl::StatusCode::kUnimplemented) return absl::OkStatus();
  return absl::InternalError("a channel over gRPC, which is not linked: " + status.ToString());
}

int Fail(const absl::Status& status) {
  std::cerr << "round_trip: " << status.ToString() << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return Fail(absl::InvalidArgumentError("usage: round_trip DIRECTORY"));
  const std::string endpoint = "unix:" + std::string(argv[1]) + "/sums.sock";
  consumer::SumService service;
  udsrpc::ServerBuilder builder;
  builder.AddEndpoint(endpoint, {.grpc = kGrpc}).RegisterService(&service);
#ifdef CONSUMER_WITH_EXTENSIONS
  udsrpc::Health health;
  udsrpc::Introspection introspection;
  udsrpc::Reflection reflection;
  builder.AddExtension(&health).AddExtension(&introspection).AddExtension(&reflection);
#endif
#ifdef CONSUMER_WITH_SYSTEMD
  if (absl::StatusOr<int> passed = udsrpc::AddSystemdSockets(builder); !passed.ok()) return Fail(passed.status());
#endif
  absl::StatusOr<std::unique_ptr<udsrpc::Server>> server = builder.Start();
  if (!server.ok()) return Fail(server.status());
  for (Transport transport : kTransports) {
    if (absl::Status status = CheckTransport(endpoint, transport); !status.ok()) return Fail(status);
    std::cout << "all is right over " << udsrpc::TransportName(transport) << std::endl;
  }
  if (!kGrpc) {
    if (absl::Status status = CheckAbsence(endpoint); !status.ok()) return Fail(status);
  }
  return 0;
}
