#include <thread>

#include "gtest/gtest.h"
#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

// gRPC's own sizes.
constexpr size_t kLargeRequest = 271828;
constexpr size_t kLargeReply = 314159;

void EmptyUnary(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call();
  call.Call("");
}

void LargeUnary(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(std::string(kLargeReply, 'r'));
    return Ok();
  });
  TracedClient call = run.Call();
  call.Call(std::string(kLargeRequest, 'q'));
}

void ClientStreaming(Run& run) {
  run.Serve([](TracedHandler& handler) {
    size_t total = 0;
    while (const auto body = handler.Read()) total += body->size();
    handler.Reply(std::to_string(total));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  for (const size_t size : {27182, 8, 1828, 45904}) call.Write(std::string(size, 'q'));
  call.WritesDone();
  call.Finish();
}

void ServerStreaming(Run& run) {
  run.Serve([](TracedHandler& handler) {
    for (const size_t size : {31415, 9, 2653, 58979}) handler.Write(std::string(size, 'r'));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start("sizes");
  call.ReadAll();
  call.Finish();
}

void PingPong(Run& run) {
  run.Serve([](TracedHandler& handler) {
    while (const auto size = handler.Read()) handler.Write(std::string(std::stoul(*size), 'r'));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  for (const char* size : {"31415", "9", "2653", "58979"}) {
    call.Write(size);
    call.Read();
  }
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

void EmptyStream(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

void TimeoutOnSleepingServer(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi, .timeout = absl::Milliseconds(300)});
  call.Start();
  call.Write(std::string(27182, 'q'));
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void CancelAfterBegin(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    run.Happen("begun");
    handler.AwaitCancelled();
    handler.ReadAll();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  run.Await("begun");
  call.Cancel();
  call.Finish(MadeBy::kLibrary);
}

void CancelAfterFirstResponse(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Read();
    handler.Write(std::string(31415, 'r'));
    handler.AwaitCancelled();
    handler.ReadAll();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Write(std::string(27182, 'q'));
  call.Read();
  call.Cancel();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void StatusCodeAndMessage(Run& run) {
  run.Serve([](TracedHandler&) { return Fail(absl::StatusCode::kUnknown, "test status message"); });
  TracedClient unary = run.Call();
  unary.Call("");
  TracedClient stream = run.Call({.kind = kBidi});
  stream.Start();
  stream.ReadAll();
  stream.Finish();
}

void SpecialStatusMessage(Run& run) {
  run.Serve([](TracedHandler&) {
    return Fail(absl::StatusCode::kUnknown,
                "\t\ntest with whitespace\r\nand Unicode BMP \u263A and non-BMP \U0001F608\t\n");
  });
  TracedClient call = run.Call();
  call.Call("");
}

// Each kind of method of a service. Whether writes succeed depends on when the answer comes.
void CallAllKinds(Run& run, CalledService service) {
  run.Serve([](TracedHandler&) { return Ok(); });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .service = service});
    call.Start("a");
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    if (kind == kClientStream) call.untraced().WritesDone();
    call.Finish(MadeBy::kLibrary);
  }
}

void UnimplementedMethod(Run& run) { CallAllKinds(run, CalledService::kUnwritten); }
void UnknownMethod(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call({.service = CalledService::kUnknownMethod});
  call.Call("", MadeBy::kLibrary);
  TracedClient next = run.Call();
  next.Call("");
}

void UnimplementedService(Run& run) { CallAllKinds(run, CalledService::kAbsent); }

void CustomMetadata(Run& run) {
  run.Serve([](TracedHandler& handler) {
    for (const auto& [key, value] : handler.untraced().client_metadata()) {
      if (key == "x-grpc-test-echo-initial") handler.AddInitialMetadata(key, value);
      if (key == "x-grpc-test-echo-trailing-bin") handler.AddTrailingMetadata(key, value);
    }
    if (handler.request() == "unary") {
      handler.Reply("reply");
    } else if (handler.Read()) {
      handler.Write("reply");
      handler.Read();  // the half-close
    }
    return Ok();
  });
  const Entries metadata = {{"x-grpc-test-echo-initial", "test_initial_metadata_value"},
                            {"x-grpc-test-echo-trailing-bin", "\xab\xab\xab"}};
  TracedClient unary = run.Call({.metadata = metadata});
  unary.Call("unary");
  TracedClient stream = run.Call({.kind = kBidi, .metadata = metadata});
  stream.Start();
  stream.Write("stream");
  stream.WritesDone();
  stream.ReadAll();
  stream.Finish();
}

// Both half-closes cross on their way.
void HalfCloseRace(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Read();
    return Ok();
  });
  for (int i = 0; i < 50; ++i) {
    TracedClient call = run.Call({.kind = kBidi});
    call.Start();
    call.Write("last");
    call.untraced().WritesDone();
    call.ReadAll();
    call.Finish();
  }
}

// A cancellation crosses the status on its way: either may win.
void CancelRace(Run& run) {
  run.Serve([&run](TracedHandler&) {
    run.Happen("begun");
    return Ok();
  });
  for (int i = 1; i <= 50; ++i) {
    TracedClient call = run.Call({.kind = kBidi});
    call.Start();
    std::thread canceller([&run, &call, i] {
      run.Await("begun", i);
      call.Cancel();
    });
    call.ReadAll();
    const absl::StatusCode code = call.untraced().Finish().code;
    canceller.join();
    EXPECT_TRUE(code == absl::StatusCode::kOk || code == absl::StatusCode::kCancelled) << code;
  }
}

}  // namespace

std::vector<Scenario> InteropScenarios() {
  return {
      {"empty_unary", EmptyUnary},
      {"large_unary", LargeUnary},
      {"client_streaming", ClientStreaming},
      {"server_streaming", ServerStreaming},
      {"ping_pong", PingPong},
      {"empty_stream", EmptyStream},
      {"timeout_on_sleeping_server", TimeoutOnSleepingServer},
      {"cancel_after_begin", CancelAfterBegin},
      {"cancel_after_first_response", CancelAfterFirstResponse},
      {"status_code_and_message", StatusCodeAndMessage},
      {"special_status_message", SpecialStatusMessage},
      {"unimplemented_method", UnimplementedMethod},
      {"unknown_method", UnknownMethod},
      {"unimplemented_service", UnimplementedService},
      {"custom_metadata", CustomMetadata},
      {"half_close_race", HalfCloseRace},
      {"cancel_race", CancelRace},
  };
}

}  // namespace udsrpc::parity
