#ifndef UDSRPC_TESTS_RELIABILITY_MIXED_CALLER_H_
#define UDSRPC_TESTS_RELIABILITY_MIXED_CALLER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "tests/proto/testing.udsrpc.pb.h"
#include "udsrpc/client_context.h"
#include "udsrpc/transport.h"

namespace udsrpc::testing {

// What may end a call beside its handler.
enum class Fate {
  kNone,       // nothing, but a deadline that never comes
  kDeadline,   // it comes within milliseconds
  kCancelled,  // somebody cancels it within milliseconds
  kDestroyed,  // its stream is let go of, and it has no status
};

// What came of a call.
struct CallOutcome {
  const char* kind = "";
  Fate fate = Fate::kNone;
  absl::Status status = {};
  // How it ends where it is left alone; nothing: it would not end.
  std::optional<absl::StatusCode> usual = absl::StatusCode::kOk;
  absl::Time deadline = absl::InfiniteFuture();
  bool by_coroutine = false;  // on the server
  Transport transport = Transport::kSeqpacket;
  // What is wrong with its answer. Empty: nothing.
  std::string wrong = {};
};

// Calls of every kind to a MixedService, one at a time, whose answers are looked at. All that is random is by the seed.
class MixedCaller {
 public:
  // Over seqpacket some of the calls take descriptors along.
  MixedCaller(TestStub stub, Transport transport, uint64_t seed);

  // By the calling thread.
  CallOutcome Call();
  // By a coroutine.
  Task<CallOutcome> CallLater();
  // By a callback, which gets what came of it. The caller must live until then.
  void CallBack(std::function<void(CallOutcome)> done);

 private:
  struct Kind;
  struct LaterKind;
  static const Kind kKinds[];
  static const LaterKind kLaterKinds[];

  bool Chance(double share);
  int UpTo(int most);
  // Mostly short; sometimes several packets' worth.
  size_t Size();
  std::string Text(size_t size);
  // What is wrong, where another text has come.
  static void Compare(const std::string& got, const std::string& expected, CallOutcome& outcome);
  void Settle(ClientContext& context, CallOutcome& outcome, bool is_stream);
  absl::Duration Moment();
  // Has the handler of a stream complain where it finds fewer, and its call not cancelled.
  void SayHowMany(int messages, ClientContext& context, const CallOutcome& outcome) const;

  void Unary(ClientContext& context, CallOutcome& outcome);
  void LargeUnary(ClientContext& context, CallOutcome& outcome);
  void Inflate(ClientContext& context, CallOutcome& outcome);
  void Fail(ClientContext& context, CallOutcome& outcome);
  void Throw(ClientContext& context, CallOutcome& outcome);
  void Look(ClientContext& context, CallOutcome& outcome);
  void Files(ClientContext& context, CallOutcome& outcome);
  void Block(ClientContext& context, CallOutcome& outcome);
  void Count(ClientContext& context, CallOutcome& outcome);
  void Collect(ClientContext& context, CallOutcome& outcome);
  void Chat(ClientContext& context, CallOutcome& outcome);

  Task<> UnaryLater(ClientContext& context, CallOutcome& outcome);
  Task<> BlockLater(ClientContext& context, CallOutcome& outcome);
  Task<> CountLater(ClientContext& context, CallOutcome& outcome);
  Task<> CollectLater(ClientContext& context, CallOutcome& outcome);
  Task<> ChatLater(ClientContext& context, CallOutcome& outcome);

  const TestStub stub_;
  const Transport transport_;
  const bool files_;
  std::mt19937_64 random_;
  uint64_t texts_ = 0;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_RELIABILITY_MIXED_CALLER_H_
