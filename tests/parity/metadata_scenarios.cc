#include <string>

#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.push_back(static_cast<char>(byte));
  return bytes;
}

// Sends what came with the request back as initial and as trailing metadata, for any kind of call.
Outcome EchoMetadata(TracedHandler& handler) {
  for (const auto& [key, value] : handler.untraced().client_metadata()) {
    handler.AddInitialMetadata(key, value);
    handler.AddTrailingMetadata(key, value);
  }
  return Ok();
}

void BothWays(Run& run, const Entries& metadata) {
  run.Serve(EchoMetadata);
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind, .metadata = metadata});
    call.Start();
    if (kind == kClientStream) call.untraced().WritesDone();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish();
  }
}

void Ascii(Run& run) { BothWays(run, {{"a", "!\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"}, {"a.b-c_1", "x y"}}); }
void Binary(Run& run) { BothWays(run, {{"all-bin", AllBytes()}, {"none-bin", ""}, {"one-bin", std::string(1, '\0')}}); }
void Repeated(Run& run) {
  BothWays(run, {{"k", "3"}, {"k", "1"}, {"other", "x"}, {"k", "2"}, {"k", "1"}, {"k-bin", "b,c"}, {"k-bin", "a"}});
}
void EmptyValues(Run& run) { BothWays(run, {{"empty", ""}, {"empty-bin", ""}}); }
void SixKilobytes(Run& run) { BothWays(run, {{"long", std::string(6000, 'v')}}); }

void Reserved(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("grpc-reserved", "i");
    handler.AddTrailingMetadata("grpc-reserved", "t");
    handler.AddTrailingMetadata("allowed", "2");
    return Ok();
  });
  TracedClient call = run.Call({.metadata = {{"grpc-reserved", "q"}, {"allowed", "1"}}});
  call.Call("");
}

void InitialWithFirstMessage(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.AddInitialMetadata("i", "1");
    handler.Write("first");
    run.Await("read");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.Read();
  call.WaitForInitialMetadata();
  run.Happen("read");
  call.ReadAll();
  call.Finish();
}

// The metadata comes while the handler has yet to read or write.
void InitialBeforeAnyMessage(Run& run) {
  int calls = 0;
  run.Serve([&](TracedHandler& handler) {
    handler.AddInitialMetadata("i", "1");
    handler.AddInitialMetadata("i-bin", AllBytes());
    handler.SendInitialMetadata();
    run.Await("seen", calls);
    return Ok();
  });
  for (const MethodKind kind : {kServerStream, kClientStream, kBidi}) {
    ++calls;
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    call.WaitForInitialMetadata();
    run.Happen("seen");
    if (kind != kServerStream) call.untraced().WritesDone();
    if (kind != kClientStream) call.ReadAll();
    call.Finish();
  }
}

// The client waits for metadata that the handler only sends with its status.
void InitialAwaitedUntilTheEnd(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("i", "1");
    return Ok();
  });
  for (const MethodKind kind : {kServerStream, kBidi}) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    call.WaitForInitialMetadata();
    call.ReadAll();
    call.Finish();
  }
}

void EmptyInitialBeforeAnyMessage(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.SendInitialMetadata();
    run.Await("seen");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.WaitForInitialMetadata();
  run.Happen("seen");
  call.ReadAll();
  call.Finish();
}

void InitialAddedLate(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("early", "1");
    handler.Write("first");
    handler.AddInitialMetadata("late", "2");
    handler.Write("second");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish();
}

void TrailingAfterMessages(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Write("message");
    handler.AddTrailingMetadata("t", "1");
    handler.AddTrailingMetadata("t-bin", AllBytes());
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish();
}

// On calls that fail, with no message before.
void OnFailedCalls(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("i", "1");
    handler.AddTrailingMetadata("t", "2");
    return Fail(absl::StatusCode::kNotFound, "with metadata");
  });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish();
  }
}

void TrailingOnly(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddTrailingMetadata("t", "2");
    return Fail(absl::StatusCode::kNotFound, "trailers only");
  });
  for (const MethodKind kind : kAllKinds) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    call.Finish();
  }
}

void AfterMessagesOfAFailedCall(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("i", "1");
    handler.Write("message");
    handler.AddTrailingMetadata("t", "2");
    return Fail(absl::StatusCode::kNotFound, "with metadata");
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.ReadAll();
  call.Finish();
}

void OfACallThatThrows(Run& run) {
  run.Serve([](TracedHandler& handler) -> Outcome {
    handler.AddInitialMetadata("i", "1");
    handler.AddTrailingMetadata("t", "2");
    throw 1;
  });
  TracedClient call = run.Call();
  call.Call("", MadeBy::kLibrary);
}

constexpr size_t kTooMuch = 20000;

void TooMuchFromClient(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call({.kind = kind, .metadata = {{"k", std::string(kTooMuch, 'v')}}});
  call.Start();
  if (kind == kBidi) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void TooMuchFromClientUnary(Run& run) { TooMuchFromClient(run, kUnary); }
void TooMuchFromClientBidi(Run& run) { TooMuchFromClient(run, kBidi); }

void TooMuchTrailing(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddTrailingMetadata("k", std::string(kTooMuch, 'v'));
    return Ok();
  });
  TracedClient call = run.Call();
  call.Call("", MadeBy::kLibrary);
}

void TooMuchInitial(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.AddInitialMetadata("k", std::string(kTooMuch, 'v'));
    return Ok();
  });
  TracedClient call = run.Call();
  call.Call("", MadeBy::kLibrary);
}

}  // namespace

std::vector<Scenario> MetadataScenarios() {
  return {
      {"ascii_metadata", Ascii},
      {"binary_metadata_of_all_bytes", Binary},
      {"repeated_metadata_keys_in_order", Repeated},
      {"empty_metadata_values", EmptyValues},
      {"six_kilobytes_of_metadata", SixKilobytes},
      {"reserved_metadata_keys", Reserved},
      {"initial_metadata_with_first_message", InitialWithFirstMessage},
      {"initial_metadata_before_any_message", InitialBeforeAnyMessage},
      {"initial_metadata_awaited_until_the_end", InitialAwaitedUntilTheEnd},
      {"empty_initial_metadata_before_any_message", EmptyInitialBeforeAnyMessage},
      {"initial_metadata_added_late_is_dropped", InitialAddedLate},
      {"trailing_metadata_after_messages", TrailingAfterMessages},
      {"metadata_of_failed_calls", OnFailedCalls},
      {"trailing_metadata_only", TrailingOnly},
      {"metadata_of_a_call_that_fails_after_messages", AfterMessagesOfAFailedCall},
      {"metadata_of_a_handler_that_throws", OfACallThatThrows},
      {"too_much_metadata_from_client_unary", TooMuchFromClientUnary},
      {"too_much_metadata_from_client_bidi", TooMuchFromClientBidi},
      {"too_much_trailing_metadata", TooMuchTrailing},
      {"too_much_initial_metadata", TooMuchInitial},
  };
}

}  // namespace udsrpc::parity
