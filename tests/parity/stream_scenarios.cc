#include <string>
#include <thread>

#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

constexpr size_t kTwoMegabytes = 2 << 20;

Outcome EchoAll(TracedHandler& handler) {
  while (const auto body = handler.Read()) handler.Write(*body);
  return Ok();
}

void ManyUnaryCalls(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(handler.request() + "!");
    return Ok();
  });
  for (int i = 0; i < 100; ++i) {
    TracedClient call = run.Call();
    call.Call(std::to_string(i));
  }
}

void ThousandFromServer(Run& run) {
  run.Serve([](TracedHandler& handler) {
    for (int i = 0; i < 1000; ++i) handler.Write(std::to_string(i));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish();
}

void ThousandFromClient(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Reply("all");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  for (int i = 0; i < 1000; ++i) call.Write(std::to_string(i));
  call.WritesDone();
  call.Finish();
}

// Each side has a thread that reads and one that writes.
void BothAtOnce(Run& run, int messages, size_t size) {
  run.Serve([=](TracedHandler& handler) {
    std::thread writer([&] {
      for (int i = 0; i < messages; ++i) handler.Write(std::string(size, 'r') + std::to_string(i));
    });
    handler.ReadAll();
    writer.join();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  std::thread writer([&] {
    for (int i = 0; i < messages; ++i) call.Write(std::string(size, 'q') + std::to_string(i));
    call.WritesDone();
  });
  call.ReadAll();
  writer.join();
  call.Finish();
}

void ThousandBothWays(Run& run) { BothAtOnce(run, 1000, 0); }
void SixtyFourKilobytesBothWays(Run& run) { BothAtOnce(run, 64, 64 << 10); }

void EmptyMessages(Run& run) {
  run.Serve(EchoAll);
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  for (int i = 0; i < 3; ++i) {
    call.Write("");
    call.Read();
  }
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

void HalfCloseThenLongServerStream(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    handler.ReadAll();
    run.Happen("half-closed");
    for (int i = 0; i < 500; ++i) handler.Write(std::string(1000, 'r') + std::to_string(i));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Write("only");
  call.WritesDone();
  run.Await("half-closed");
  call.ReadAll();
  call.Finish();
}

void LargeMessagesBothWays(Run& run) {
  run.Serve(EchoAll);
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  for (const size_t size : {kTwoMegabytes, kTwoMegabytes + 1, size_t{0}, size_t{65536}}) {
    call.Write(std::string(size, 'q'));
    call.Read();
  }
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

void LargeClientStream(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Reply(std::string(kTwoMegabytes, 'r'));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  for (int i = 0; i < 3; ++i) call.Write(std::string(kTwoMegabytes, 'q'));
  call.WritesDone();
  call.Finish();
}

void LargeServerStream(Run& run) {
  run.Serve([](TracedHandler& handler) {
    for (int i = 0; i < 3; ++i) handler.Write(std::string(kTwoMegabytes, 'r'));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start(std::string(kTwoMegabytes, 'q'));
  call.ReadAll();
  call.Finish();
}

void UnaryTwoMegabytes(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(std::string(kTwoMegabytes, 'r'));
    return Ok();
  });
  TracedClient call = run.Call();
  call.Call(std::string(kTwoMegabytes, 'q'));
}

void UnaryOfGrowingSize(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(handler.request());
    return Ok();
  });
  for (const size_t size : {size_t{1}, size_t{70000}, kTwoMegabytes}) {
    TracedClient call = run.Call();
    call.Call(std::string(size, 'q'));
  }
}

void WriteLastHalfCloses(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    return Ok();
  });
  for (const MethodKind kind : {kClientStream, kBidi}) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    call.Write("first");
    call.WriteLast("last");
    if (kind == kBidi) call.ReadAll();
    call.Finish();
  }
}

void ServerStreamOfNothing(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish();
}

void ClientStreamOfNothing(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Reply("none");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  call.WritesDone();
  call.Finish();
}

void ErrorAfterMessages(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler& handler) {
    for (int i = 0; i < 3; ++i) handler.Write(std::to_string(i));
    return Fail(absl::StatusCode::kAborted, "after three");
  });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  call.ReadAll();
  call.Finish();
}

void ServerStreamErrorAfterMessages(Run& run) { ErrorAfterMessages(run, kServerStream); }
void BidiErrorAfterMessages(Run& run) { ErrorAfterMessages(run, kBidi); }

void ServerSpeaksFirst(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Write("greeting");
    return EchoAll(handler);
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Read();
  call.Write("answer");
  call.WritesDone();
  call.ReadAll();
  call.Finish();
}

// The end is the end, however often one reads.
void ReadsBehindTheEnd(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Read();
    handler.Write("one");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi});
  call.Start();
  call.Write("one");
  call.WritesDone();
  call.ReadAll();
  call.Read();
  call.Finish();
}

// The server ends the call while the client writes.
void EarlyEnd(Run& run, MethodKind kind, const Outcome& outcome) {
  run.Serve([&outcome, kind](TracedHandler& handler) {
    handler.Read();
    if (kind == kClientStream) handler.Reply("early");
    return outcome;
  });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  call.WriteUntilFalse(std::string(10000, 'q'));
  if (kind == kBidi) call.ReadAll();
  call.Finish();
}

void BidiEndedEarly(Run& run) { EarlyEnd(run, kBidi, Ok()); }
void ClientStreamEndedEarly(Run& run) { EarlyEnd(run, kClientStream, Ok()); }
void BidiFailedEarly(Run& run) { EarlyEnd(run, kBidi, Fail(absl::StatusCode::kFailedPrecondition, "no more")); }
void ClientStreamFailedEarly(Run& run) {
  EarlyEnd(run, kClientStream, Fail(absl::StatusCode::kFailedPrecondition, "no more"));
}

void ServerIgnoresMessages(Run& run) {
  run.Serve([&run](TracedHandler& handler) {
    run.Await("written");
    handler.Reply("unread");
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  for (int i = 0; i < 3; ++i) call.Write(std::to_string(i));
  call.WritesDone();
  run.Happen("written");
  call.Finish();
}

void FinishWithoutReadingAll(Run& run) {
  run.Serve([](TracedHandler& handler) {
    for (int i = 0; i < 3; ++i) handler.Write(std::to_string(i));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream, .timeout = absl::Milliseconds(300)});
  call.Start();
  call.Read();
  call.Finish(MadeBy::kLibrary);
}

void FinishWithoutWritesDone(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.untraced().AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kBidi, .timeout = absl::Milliseconds(300)});
  call.Start();
  call.Finish(MadeBy::kLibrary);
}

void ClientStreamFinishWithoutWritesDone(Run& run) {
  run.Serve([](TracedHandler& handler) {
    while (handler.Read()) continue;
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream, .timeout = absl::Milliseconds(300)});
  call.Start();
  call.Write("only");
  call.Finish(MadeBy::kLibrary);
}

// Calls of all kinds on one channel, one begun before the other ends.
void StreamsBesideEachOther(Run& run) {
  run.Serve(EchoAll);
  TracedClient first = run.Call({.kind = kBidi});
  TracedClient second = run.Call({.kind = kBidi});
  first.Start();
  first.Write("a");
  first.Read();
  second.Start();
  second.Write("b");
  second.Read();
  first.Write("c");
  first.Read();
  second.WritesDone();
  second.ReadAll();
  second.Finish();
  first.WritesDone();
  first.ReadAll();
  first.Finish();
}

}  // namespace

std::vector<Scenario> StreamScenarios() {
  return {
      {"many_unary_calls_in_turn", ManyUnaryCalls},
      {"unary_of_two_megabytes_both_ways", UnaryTwoMegabytes},
      {"unary_of_growing_size", UnaryOfGrowingSize},
      {"thousand_messages_from_server_in_order", ThousandFromServer},
      {"thousand_messages_from_client_in_order", ThousandFromClient},
      {"thousand_messages_both_ways_at_once", ThousandBothWays},
      {"large_messages_both_ways_at_once", SixtyFourKilobytesBothWays},
      {"empty_messages", EmptyMessages},
      {"half_close_then_long_server_stream", HalfCloseThenLongServerStream},
      {"bidi_of_two_megabytes_both_ways", LargeMessagesBothWays},
      {"client_stream_of_two_megabytes", LargeClientStream},
      {"server_stream_of_two_megabytes", LargeServerStream},
      {"write_last_half_closes", WriteLastHalfCloses},
      {"server_stream_of_nothing", ServerStreamOfNothing},
      {"client_stream_of_nothing", ClientStreamOfNothing},
      {"server_stream_fails_after_messages", ServerStreamErrorAfterMessages},
      {"bidi_fails_after_messages", BidiErrorAfterMessages},
      {"server_speaks_first", ServerSpeaksFirst},
      {"reads_behind_the_end", ReadsBehindTheEnd},
      {"bidi_ended_by_server_while_client_writes", BidiEndedEarly},
      {"client_stream_ended_by_server_while_client_writes", ClientStreamEndedEarly},
      {"bidi_failed_by_server_while_client_writes", BidiFailedEarly},
      {"client_stream_failed_by_server_while_client_writes", ClientStreamFailedEarly},
      {"server_ignores_messages", ServerIgnoresMessages},
      {"finish_without_reading_all", FinishWithoutReadingAll},
      {"bidi_finish_without_writes_done", FinishWithoutWritesDone},
      {"client_stream_finish_without_writes_done", ClientStreamFinishWithoutWritesDone},
      {"streams_beside_each_other", StreamsBesideEachOther},
  };
}

}  // namespace udsrpc::parity
