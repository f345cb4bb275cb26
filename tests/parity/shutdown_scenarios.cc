#include <string>
#include <thread>

#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

// Calls of all kinds that reach no server.
void CallNobody(Run& run) {
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    if (kind == kClientStream) call.Write("not sent");
    call.Finish(MadeBy::kLibrary);
  }
}

void NobodyListens(Run& run) { CallNobody(run); }

void ServerIsGone(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  {
    TracedClient call = run.Call();
    call.Call("");
  }
  run.Shutdown(absl::Seconds(20));
  CallNobody(run);
}

// The server is shut down, with no grace, while the call is open.
void ShutdownWithOpenCall(Run& run, MethodKind kind) {
  run.Serve([&run](TracedHandler& handler) {
    run.Happen("begun");
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  std::thread stopper([&run] {
    run.Await("begun");
    run.Shutdown(absl::ZeroDuration());
  });
  if (kind == kServerStream || kind == kBidi) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
  stopper.join();
}

void ShutdownWithOpenUnary(Run& run) { ShutdownWithOpenCall(run, kUnary); }
void ShutdownWithOpenServerStream(Run& run) { ShutdownWithOpenCall(run, kServerStream); }
void ShutdownWithOpenClientStream(Run& run) { ShutdownWithOpenCall(run, kClientStream); }
void ShutdownWithOpenBidi(Run& run) { ShutdownWithOpenCall(run, kBidi); }

// Open calls end as usual within the grace.
void ShutdownWithGrace(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    run.Happen("begun");
    while (const auto body = handler.Read()) handler.Write(*body);
    handler.ShowCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  run.Await("begun");
  std::thread stopper([&run] { run.Shutdown(absl::Seconds(20)); });
  call.Write("one");
  call.Read();
  call.Write("two");
  call.Read();
  call.WritesDone();
  call.ReadAll();
  call.Finish();
  stopper.join();
}

void WaitForReadyInVain(Run& run) {
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .timeout = absl::Milliseconds(200), .wait_for_ready = true});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish(MadeBy::kLibrary);
  }
}

// The server starts when the channel has found nobody already.
void WaitForReadyUntilTheServerStarts(Run& run) {
  TracedClient impatient = run.Call();
  impatient.Call("", MadeBy::kLibrary);
  TracedClient patient = run.Call({.wait_for_ready = true});
  std::thread caller([&patient] { patient.Call("waited"); });
  run.Serve([](TracedHandler& handler) {
    handler.Reply("welcome");
    return Ok();
  });
  caller.join();
}

}  // namespace

std::vector<Scenario> ShutdownScenarios() {
  return {
      {"nobody_listens", NobodyListens},
      {"server_is_gone", ServerIsGone},
      {"wait_for_ready_in_vain", WaitForReadyInVain},
      {"wait_for_ready_until_the_server_starts", WaitForReadyUntilTheServerStarts},
      {"shutdown_with_open_unary", ShutdownWithOpenUnary},
      {"shutdown_with_open_server_stream", ShutdownWithOpenServerStream},
      {"shutdown_with_open_client_stream", ShutdownWithOpenClientStream},
      {"shutdown_with_open_bidi", ShutdownWithOpenBidi},
      {"shutdown_lets_open_streams_end", ShutdownWithGrace},
  };
}

}  // namespace udsrpc::parity
