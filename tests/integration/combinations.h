#ifndef UDSRPC_TESTS_INTEGRATION_COMBINATIONS_H_
#define UDSRPC_TESTS_INTEGRATION_COMBINATIONS_H_

#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/linked_transports.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

// One of the four ways to reach a service: a transport over a kind of address.
struct Combination {
  Transport transport;
  bool abstract;
};

inline std::string CombinationName(const ::testing::TestParamInfo<Combination>& info) {
  return absl::StrCat(info.param.transport == Transport::kGrpc ? "Grpc" : "Seqpacket",
                      info.param.abstract ? "Abstract" : "Path");
}

inline auto AllCombinations() {
  std::vector<Combination> combinations{{Transport::kSeqpacket, false}, {Transport::kSeqpacket, true}};
  if (kWithGrpc) combinations.insert(combinations.end(), {{Transport::kGrpc, false}, {Transport::kGrpc, true}});
  return ::testing::ValuesIn(combinations);
}

// Each transport that the program has, for tests to which addresses say nothing.
inline auto OneByOne() {
  std::vector<Transport> transports{Transport::kSeqpacket};
  if (kWithGrpc) transports.push_back(Transport::kGrpc);
  return ::testing::ValuesIn(transports);
}

inline std::string TransportTestName(const ::testing::TestParamInfo<Transport>& info) {
  return info.param == Transport::kGrpc ? "Grpc" : "Seqpacket";
}

// All transports that the program has.
inline EndpointOptions AllTransports() { return {.grpc = kWithGrpc}; }

inline absl::Status TryEcho(const TestStub& stub) {
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  EchoReply reply;
  return stub.Echo(context, EchoRequest(), reply);
}

// A client that failed to connect may wait for a little before it tries again (gRPC does): asks until it is answered.
inline bool AnsweredWithin(const TestStub& stub, absl::Duration patience) {
  const absl::Time give_up = absl::Now() + patience;
  while (absl::Now() < give_up) {
    if (TryEcho(stub).ok()) return true;
    std::this_thread::yield();
  }
  return false;
}

// Makes a call that must be answered, to show that the server is well.
inline void ExpectEcho(const TestStub& stub, const std::string& text) {
  ClientContext context;
  context.set_timeout(absl::Seconds(20));
  EchoRequest request;
  EchoReply reply;
  request.set_text(text);
  const absl::Status status = stub.Echo(context, request, reply);
  EXPECT_TRUE(status.ok()) << status;
  EXPECT_EQ(reply.text(), text);
}

// Every test of such a fixture runs once a combination. It checks at the end that no socket file is left.
class CombinationTest : public ::testing::TestWithParam<Combination> {
 protected:
  CombinationTest()
      : target_(GetParam().abstract
                    ? absl::StrCat("unix-abstract:udsrpc.test.", getpid(), ".", reinterpret_cast<uintptr_t>(this))
                    : absl::StrCat("unix:", dir_.File("s"))) {}

  void TearDown() override {
    server_.reset();
    EXPECT_TRUE(dir_.IsEmpty()) << "a file is left in " << dir_.path();
  }

  void StartServer(const ServerOptions& options = {}) { server_ = MakeServer(options); }

  std::unique_ptr<Server> MakeServer(const ServerOptions& options = {}) {
    ServerBuilder builder(options);
    builder.AddEndpoint(target_, AllTransports()).RegisterService(&service_);
    absl::StatusOr<std::unique_ptr<Server>> server = builder.Start();
    EXPECT_TRUE(server.ok()) << server.status();
    return server.ok() ? *std::move(server) : nullptr;
  }

  std::shared_ptr<Channel> MakeChannel(ChannelOptions options = {}) {
    options.transport = GetParam().transport;
    absl::StatusOr<std::shared_ptr<Channel>> channel = CreateChannel(target_, options);
    EXPECT_TRUE(channel.ok()) << channel.status();
    return *channel;
  }

  TempDir dir_;
  const std::string target_;
  TestServiceImpl service_;
  std::unique_ptr<Server> server_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_INTEGRATION_COMBINATIONS_H_
