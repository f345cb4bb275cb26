#ifndef UDSRPC_TESTS_RELIABILITY_MIXED_LOAD_H_
#define UDSRPC_TESTS_RELIABILITY_MIXED_LOAD_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/reliability/call_log.h"
#include "tests/reliability/outages.h"
#include "tests/support/event.h"
#include "udsrpc/channel.h"
#include "udsrpc/transport.h"

namespace udsrpc::testing {

struct LoadOptions {
  std::string target;
  Transport transport = Transport::kSeqpacket;
  uint64_t seed = 0;
  int channels = 2;
  int threads = 4;     // that make blocking calls
  int callbacks = 8;   // calls by callback at a time
  int coroutines = 8;  // at a time
  // Beside these, calls without a deadline that the death of either side ends and nothing else: that wait for an
  // answer, for room to write in, and with what the server writes unread.
  bool endless = false;
};

// Clients that call a MixedService in all ways until this is stopped. Those whose call ends with UNAVAILABLE wait until
// the outage is over, most of them at once.
class MixedLoad {
 public:
  MixedLoad(const LoadOptions& options, Outages& outages, CallLog& log);
  ~MixedLoad() { Stop(); }
  MixedLoad(const MixedLoad&) = delete;
  MixedLoad& operator=(const MixedLoad&) = delete;

  // How many wait in Outages::AwaitEnd when an outage has ended all of their calls.
  int callers() const { return static_cast<int>(threads_.size()); }
  const std::vector<std::shared_ptr<Channel>>& channels() const { return channels_; }

  // Ends when the calls have; endless ones have to be ended by an outage.
  void Stop();

 private:
  using Caller = void (MixedLoad::*)(TestStub, uint64_t seed);

  void Run(Caller caller);
  // Whether to go on. Three of four whose last call ended with UNAVAILABLE wait until the outage is over.
  bool GoOn(const absl::Status& last, uint64_t dice);

  void CallByThread(TestStub stub, uint64_t seed);
  void CallByCallbacks(TestStub stub, uint64_t seed);
  void CallByCoroutines(TestStub stub, uint64_t seed);
  // Gives UNAVAILABLE where one has ended so.
  Task<absl::Status> CallInARow(MixedCaller& caller);

  void AwaitAnswer(TestStub stub, uint64_t seed);
  void AwaitAnswers(TestStub stub, uint64_t seed);
  void AwaitRoom(TestStub stub, uint64_t seed);
  void LeaveUnread(TestStub stub, uint64_t seed);
  void AwaitMessage(TestStub stub, uint64_t seed);

  const LoadOptions options_;
  Outages& outages_;
  CallLog& log_;
  std::atomic<bool> stop_{false};
  std::vector<std::shared_ptr<Channel>> channels_;
  std::vector<std::thread> threads_;
};

// Descriptors that a load's channels and servers accept with a message.
inline constexpr size_t kFilesPerMessage = 8;

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_MIXED_LOAD_H_
