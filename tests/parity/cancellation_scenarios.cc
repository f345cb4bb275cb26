#include <functional>
#include <string>
#include <thread>

#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

// A handler that tells the client that it runs, and waits for the call's cancellation.
Run::Handler WaitForCancel(Run& run) {
  return [&run](TracedHandler& handler) {
    run.Happen("begun");
    handler.AwaitCancelled();
    return Ok();
  };
}

// Cancels `call`, from another thread, when `event` has happened, while this one is in `blocked`.
void CancelWhile(Run& run, TracedClient& call, const std::string& event, const std::function<void()>& blocked) {
  std::thread canceller([&] {
    run.Await(event);
    call.Cancel();
  });
  blocked();
  canceller.join();
}

void BeforeStart(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind});
    call.Cancel();
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    if (kind == kClientStream) call.Write("not sent");
    call.Finish(MadeBy::kLibrary);
  }
}

void Unary(Run& run) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call();
  CancelWhile(run, call, "begun", [&] { call.Call("", MadeBy::kLibrary); });
}

void InRead(Run& run, MethodKind kind) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  CancelWhile(run, call, "begun", [&] { call.ReadAll(); });
  call.Finish(MadeBy::kLibrary);
}

void InReadOfServerStream(Run& run) { InRead(run, kServerStream); }
void InReadOfBidi(Run& run) { InRead(run, kBidi); }

// The server does not read, so that the client's write blocks.
void InWrite(Run& run, MethodKind kind) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  run.Await("begun");
  std::thread canceller([&call] {
    call.AwaitStall();
    call.Cancel();
  });
  call.WriteUntilFalse(std::string(100000, 'q'));
  canceller.join();
  call.Finish(MadeBy::kLibrary);
}

void InWriteOfClientStream(Run& run) { InWrite(run, kClientStream); }
void InWriteOfBidi(Run& run) { InWrite(run, kBidi); }

void InWaitForInitialMetadata(Run& run) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  CancelWhile(run, call, "begun", [&] { call.WaitForInitialMetadata(); });
  call.Finish(MadeBy::kLibrary);
}

void InFinish(Run& run) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  call.WritesDone();
  CancelWhile(run, call, "begun", [&] { call.Finish(MadeBy::kLibrary); });
}

void WithMessagesUnread(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    for (int i = 0; i < 3; ++i) handler.Write(std::to_string(i));
    run.Happen("written");
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.Read();
  run.Await("written");
  call.Cancel();
  call.Finish(MadeBy::kLibrary);
}

void WhileHandlerReads(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.Read();
    run.Happen("begun");
    handler.ReadAll();
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Write("one");
  run.Await("begun");
  call.Cancel();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

// The client does not read, so that the handler's write blocks.
void WhileHandlerWrites(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.Write("one");
    run.Happen("begun");
    handler.WriteUntilFalse(std::string(100000, 'r'));
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.Read();
  run.Await("begun");
  call.Cancel();
  call.Finish(MadeBy::kLibrary);
}

void HandlerUsesStreamAfterwards(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    run.Happen("begun");
    handler.AwaitCancelled();
    handler.Read();
    // A first write may be on its way before the stream notices.
    handler.WriteUntilFalse("unwanted");
    handler.Write("unwanted");
    return Fail(absl::StatusCode::kAborted, "not seen");
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  run.Await("begun");
  call.Cancel();
  call.Finish(MadeBy::kLibrary);
}

void ClientUsesStreamAfterwards(Run& run) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  run.Await("begun");
  call.Cancel();
  call.Read();
  call.Write("unwanted");
  call.Read();
  call.Finish(MadeBy::kLibrary);
}

void AfterTheEnd(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ShowCancelled();
    return Ok();
  });
  TracedClient unary = run.Call();
  unary.Call("");
  unary.Cancel();
  TracedClient stream = run.Call({.kind = kServerStream});
  stream.Start();
  stream.ReadAll();
  stream.Finish();
  stream.Cancel();
  TracedClient next = run.Call();
  next.Call("");
}

// The reads have ended, and the status is there; but nobody has asked for it.
void BetweenEndAndFinish(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Write("all");
    return handler.request() == "fail"
               ? Outcome{.code = absl::StatusCode::kInvalidArgument, .message = "as asked", .payloads = {}}
               : Ok();
  });
  for (const char* request : {"succeed", "fail"}) {
    TracedClient call = run.Call({.kind = kServerStream});
    call.Start(request);
    call.ReadAll();
    call.Cancel();
    call.Finish(MadeBy::kLibrary);
  }
}

void Twice(Run& run) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  run.Await("begun");
  call.Cancel();
  call.Cancel();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void Abandoned(Run& run, MethodKind kind) {
  run.Serve(WaitForCancel(run));
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  run.Await("begun");
  call.Abandon();
}

void ServerStreamAbandoned(Run& run) { Abandoned(run, kServerStream); }
void ClientStreamAbandoned(Run& run) { Abandoned(run, kClientStream); }
void BidiAbandoned(Run& run) { Abandoned(run, kBidi); }

void AbandonedWithMessagesUnread(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    for (int i = 0; i < 3; ++i) handler.Write(std::to_string(i));
    run.Happen("written");
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.Read();
  run.Await("written");
  call.Abandon();
}

// A call that ended well was not cancelled, however long its handler looks.
void NotCancelled(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Write("all read");
    handler.ShowCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Write("one");
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

// One call's cancellation is no other's.
void OfOneCallOfTwo(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    const auto name = handler.Read();
    handler.Write("begun");
    if (name == "cancelled") {
      handler.AwaitCancelled();
      run.Happen("cancelled");
    } else {
      handler.ReadAll();
      handler.ShowCancelled();
    }
    return Ok();
  });
  TracedClient kept = run.Call({.kind = kBidi});
  TracedClient cancelled = run.Call({.kind = kBidi});
  kept.Start();
  kept.Write("kept");
  kept.Read();
  cancelled.Start();
  cancelled.Write("cancelled");
  cancelled.Read();
  cancelled.Cancel();
  run.Await("cancelled");
  cancelled.ReadAll();
  cancelled.Finish(MadeBy::kLibrary);
  kept.WritesDone();
  kept.ReadAll();
  kept.Finish();
}

}  // namespace

std::vector<Scenario> CancellationScenarios() {
  return {
      {"cancel_before_start", BeforeStart},
      {"cancel_while_unary_handler_runs", Unary},
      {"cancel_while_server_stream_reads", InReadOfServerStream},
      {"cancel_while_bidi_reads", InReadOfBidi},
      {"cancel_while_client_stream_writes", InWriteOfClientStream},
      {"cancel_while_bidi_writes", InWriteOfBidi},
      {"cancel_while_client_awaits_initial_metadata", InWaitForInitialMetadata},
      {"cancel_while_client_finishes", InFinish},
      {"cancel_with_messages_unread", WithMessagesUnread},
      {"cancel_while_handler_reads", WhileHandlerReads},
      {"cancel_while_handler_writes", WhileHandlerWrites},
      {"handler_uses_its_stream_after_cancel", HandlerUsesStreamAfterwards},
      {"client_uses_its_stream_after_cancel", ClientUsesStreamAfterwards},
      {"cancel_after_the_end", AfterTheEnd},
      {"cancel_between_the_last_read_and_finish", BetweenEndAndFinish},
      {"cancel_twice", Twice},
      {"server_stream_abandoned", ServerStreamAbandoned},
      {"client_stream_abandoned", ClientStreamAbandoned},
      {"bidi_abandoned", BidiAbandoned},
      {"stream_abandoned_with_messages_unread", AbandonedWithMessagesUnread},
      {"not_cancelled_when_it_ends_well", NotCancelled},
      {"cancel_of_one_call_of_two", OfOneCallOfTwo},
  };
}

}  // namespace udsrpc::parity
