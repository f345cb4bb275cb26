#ifndef UDSRPC_TESTS_FAULTS_SERVER_OF_A_RUN_H_
#define UDSRPC_TESTS_FAULTS_SERVER_OF_A_RUN_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/faults/scenario.h"

namespace udsrpc::testing {

// A server of one run's own, whose start and end are of the scenario.
class ServerOfARun {
 public:
  explicit ServerOfARun(ScenarioRun& run, EndpointOptions options = {.grpc = false})
      : run_(run), options_(std::move(options)), target_("unix:" + run.world().NewName()) {}

  const std::string& target() const { return target_; }

  TestStub Connect(Transport transport = Transport::kSeqpacket) const {
    ChannelOptions options = run_.world().options().channel;
    options.transport = transport;
    return TestStub(*CreateChannel(target_, options));
  }

  // Whether it serves; it may not where there is a fault.
  bool Start() {
    absl::StatusOr<std::unique_ptr<Server>> server = TryToStart();
    if (!run_.ExpectMade(server.status(), target_)) return false;
    server_ = *std::move(server);
    return true;
  }
  // Where what is to be seen comes behind the start: again, until the fault is over.
  void StartAnyhow() {
    const absl::Time give_up = absl::Now() + kCallBound;
    while (!Start() && absl::Now() < give_up) continue;
    ASSERT_NE(server_, nullptr);
  }
  void Kill() { server_.reset(); }
  Server* get() { return server_.get(); }

 private:
  absl::StatusOr<std::unique_ptr<Server>> TryToStart() {
    ServerBuilder builder(run_.world().options().server);
    builder.AddEndpoint(target_, options_).RegisterService(&run_.world().service());
    return builder.Start();
  }

  ScenarioRun& run_;
  const EndpointOptions options_;
  const std::string target_;
  std::unique_ptr<Server> server_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_SERVER_OF_A_RUN_H_
