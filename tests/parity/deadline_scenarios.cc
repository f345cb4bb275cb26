#include <string>

#include "absl/time/clock.h"
#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

// Long enough for a call to reach its handler on a busy machine.
constexpr absl::Duration kShort = absl::Milliseconds(300);

// Calls of all kinds that end before anything is sent.
void WithDeadline(Run& run, absl::Duration timeout, absl::Time deadline) {
  run.Serve([](TracedHandler&) { return Ok(); });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .timeout = timeout, .deadline = deadline});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    if (kind == kClientStream) call.Write("not sent");
    call.Finish(MadeBy::kLibrary);
  }
}

void DeadlineInThePast(Run& run) { WithDeadline(run, absl::InfiniteDuration(), absl::Now() - absl::Seconds(5)); }
// Not zero: gRPC rounds deadlines up to a millisecond, so that a call with a deadline of now may be made, or not.
void NegativeTimeout(Run& run) { WithDeadline(run, absl::Seconds(-1), absl::InfiniteFuture()); }

void HandlerSeesDeadline(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ShowDeadline(absl::Seconds(100));
    handler.ShowCancelled();
    return Ok();
  });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .timeout = absl::Seconds(100)});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish();
  }
  TracedClient absolute = run.Call({.deadline = absl::Now() + absl::Seconds(100)});
  absolute.Call("");
}

void HandlerSeesNoDeadline(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ShowDeadline(absl::Seconds(100));
    return Ok();
  });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .timeout = absl::InfiniteDuration()});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish();
  }
}

Outcome WaitForTheEnd(TracedHandler& handler) {
  handler.AwaitCancelled();
  return Ok();
}

void UnaryDeadline(Run& run) {
  run.Serve(WaitForTheEnd);
  TracedClient call = run.Call({.timeout = kShort});
  call.Call("", MadeBy::kLibrary);
}

void DeadlineInRead(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Write("one");
    return WaitForTheEnd(handler);
  });
  for (const MethodKind kind : {kServerStream, kBidi}) {
    TracedClient call = run.Call({.kind = kind, .timeout = kShort});
    call.Start();
    call.ReadAll();
    call.Finish(MadeBy::kLibrary);
  }
}

void DeadlineInWrite(Run& run) {
  run.Serve(WaitForTheEnd);
  for (const MethodKind kind : {kClientStream, kBidi}) {
    TracedClient call = run.Call({.kind = kind, .timeout = kShort});
    call.Start();
    call.WriteUntilFalse(std::string(100000, 'q'));
    call.Finish(MadeBy::kLibrary);
  }
}

void DeadlineInFinish(Run& run) {
  run.Serve(WaitForTheEnd);
  for (const MethodKind kind : {kClientStream, kBidi}) {
    TracedClient call = run.Call({.kind = kind, .timeout = kShort});
    call.Start();
    call.WritesDone();
    call.Finish(MadeBy::kLibrary);
  }
}

void DeadlineInWaitForInitialMetadata(Run& run) {
  run.Serve(WaitForTheEnd);
  TracedClient call = run.Call({.kind = kServerStream, .timeout = kShort});
  call.Start();
  call.WaitForInitialMetadata();
  call.Finish(MadeBy::kLibrary);
}

// What a handler gets to see of its stream once the deadline has passed.
void HandlerReadsAfterDeadline(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream, .timeout = kShort});
  call.Start();
  call.Write("one");
  call.Finish(MadeBy::kLibrary);
}

void HandlerWritesUntilDeadline(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.WriteUntilFalse(std::string(100000, 'r'));
    handler.AwaitCancelled();
    run.Happen("over");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream, .timeout = kShort});
  call.Start();
  run.Await("over");
  call.Finish(MadeBy::kLibrary);
}

void AmpleDeadline(Run& run) {
  run.Serve([](TracedHandler& handler) {
    while (const auto body = handler.Read()) handler.Write(*body);
    handler.ShowCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi, .timeout = absl::Hours(30)});
  call.Start();
  call.Write("in time");
  call.Read();
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

}  // namespace

std::vector<Scenario> DeadlineScenarios() {
  return {
      {"deadline_in_the_past", DeadlineInThePast},
      {"negative_timeout", NegativeTimeout},
      {"handler_sees_deadline", HandlerSeesDeadline},
      {"handler_sees_no_deadline", HandlerSeesNoDeadline},
      {"deadline_while_unary_handler_runs", UnaryDeadline},
      {"deadline_while_client_reads", DeadlineInRead},
      {"deadline_while_client_writes", DeadlineInWrite},
      {"deadline_while_client_finishes", DeadlineInFinish},
      {"deadline_while_client_awaits_initial_metadata", DeadlineInWaitForInitialMetadata},
      {"deadline_while_handler_reads", HandlerReadsAfterDeadline},
      {"deadline_while_handler_writes", HandlerWritesUntilDeadline},
      {"ample_deadline", AmpleDeadline},
  };
}

}  // namespace udsrpc::parity
