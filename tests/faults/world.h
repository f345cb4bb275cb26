#ifndef UDSRPC_TESTS_FAULTS_WORLD_H_
#define UDSRPC_TESTS_FAULTS_WORLD_H_

#include <atomic>
#include <memory>
#include <string>

#include "tests/faults/fault_service.h"
#include "tests/support/temp_dir.h"
#include "tests/support/test_service.h"
#include "udsrpc/channel.h"
#include "udsrpc/server.h"

namespace udsrpc::testing {

// Waiting is told by the number of system calls that it takes, which spinning makes anything.
inline ServerOptions FaultServerOptions() { return {.spin_budget = absl::ZeroDuration(), .event_loops = 1}; }
inline ChannelOptions FaultChannelOptions() { return {.spin_budget = absl::ZeroDuration()}; }

// A server, and somebody beside whoever the faults are for, whose calls are to be served whatever happens.
class World {
 public:
  struct Options {
    Transport transport = Transport::kSeqpacket;
    ServerOptions server = FaultServerOptions();
    EndpointOptions endpoint = {};
    ChannelOptions channel = FaultChannelOptions();
  };

  static Options OverGrpc() { return {.transport = Transport::kGrpc}; }

  explicit World(Options options);

  const Options& options() const { return options_; }
  const std::string& target() const { return target_; }
  FaultService& service() { return service_; }
  const TempDir& dir() const { return dir_; }
  // A name in the directory that has not been used.
  std::string NewName() { return dir_.File("n" + std::to_string(++names_)); }

  // A channel of its own.
  TestStub Connect() const;

  // Lines of its servers' logs that speak of an interrupted system call, which there should be none of.
  int interruptions_logged() const { return interruptions_logged_; }

  // Both are to be so once the faults are over.
  void ExpectOthersAreServed() const;
  void ExpectNoCallsInFlight() const;
  // That no file is left but the server's own. `forgiven`: or else what is left does no harm.
  void ExpectOwnFilesOnly(bool forgiven);

 private:
  // With a log of its server that goes on to that of `options`, or stderr.
  Options WithLog(Options options);

  std::atomic<int> interruptions_logged_{0};
  const Options options_;
  TempDir dir_;
  const std::string target_;
  FaultService service_;
  std::unique_ptr<Server> server_;
  std::unique_ptr<TestStub> other_;
  int names_ = 0;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_FAULTS_WORLD_H_
