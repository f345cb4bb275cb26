#include <string>

#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

constexpr size_t kLimit = 1000;
// A body whose note is as long as the limit: there are a tag and two bytes of size before it.
constexpr size_t kFits = kLimit - 3;
constexpr size_t kDefaultLimit = 4 << 20;

constexpr Limits kServerLimited = {.server_receive_bytes = kLimit};
constexpr Limits kClientLimited = {.client_receive_bytes = kLimit};

Outcome ReadAll(TracedHandler& handler) {
  handler.ReadAll();
  return Ok();
}

// Unary requests or replies of `fits` bytes, then of one more, then of none.
void Requests(Run& run, size_t fits) {
  run.Serve([](TracedHandler&) { return Ok(); });
  for (const size_t size : {fits, fits + 1, size_t{0}}) {
    TracedClient call = run.Call();
    call.Call(std::string(size, 'q'), MadeBy::kLibrary);
  }
}

void Replies(Run& run, size_t fits) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(std::string(std::stoul(handler.request()), 'r'));
    return Ok();
  });
  for (const size_t size : {fits, fits + 1, size_t{0}}) {
    TracedClient call = run.Call();
    call.Call(std::to_string(size), MadeBy::kLibrary);
  }
}

void RequestOverLimit(Run& run) { Requests(run, kFits); }
void ReplyOverLimit(Run& run) { Replies(run, kFits); }
// Tag and size take five bytes, for bodies of two megabytes and more.
void RequestOverDefaultLimit(Run& run) { Requests(run, kDefaultLimit - 5); }
void ReplyOverDefaultLimit(Run& run) { Replies(run, kDefaultLimit - 5); }

void ServerStreamRequestOverLimit(Run& run) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start(std::string(kFits + 1, 'q'));
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void ClientMessageOverLimit(Run& run, MethodKind kind) {
  run.Serve(ReadAll);
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  call.Write(std::string(kFits, 'q'));
  call.untraced().Write(Note(), /*last=*/false);
  Note large;
  large.set_body(std::string(kFits + 1, 'q'));
  call.untraced().Write(large, /*last=*/false);
  call.untraced().WritesDone();
  if (kind == kBidi) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void ClientStreamMessageOverLimit(Run& run) { ClientMessageOverLimit(run, kClientStream); }
void BidiMessageToServerOverLimit(Run& run) { ClientMessageOverLimit(run, kBidi); }

void ServerMessageOverLimit(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler& handler) {
    handler.Write(std::string(kFits, 'r'));
    Note large;
    large.set_body(std::string(kFits + 1, 'r'));
    handler.untraced().Write(large);
    handler.AwaitCancelled();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void ServerStreamMessageOverLimit(Run& run) { ServerMessageOverLimit(run, kServerStream); }
void BidiMessageToClientOverLimit(Run& run) { ServerMessageOverLimit(run, kBidi); }

void ClientStreamReplyOverLimit(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.ReadAll();
    handler.Reply(std::string(kFits + 1, 'r'));
    return Ok();
  });
  TracedClient call = run.Call({.kind = kClientStream});
  call.Start();
  call.WritesDone();
  call.Finish(MadeBy::kLibrary);
}

}  // namespace

std::vector<Scenario> LimitScenarios() {
  return {
      {"request_over_limit", RequestOverLimit, kServerLimited},
      {"reply_over_limit", ReplyOverLimit, kClientLimited},
      {"request_over_default_limit", RequestOverDefaultLimit},
      {"reply_over_default_limit", ReplyOverDefaultLimit},
      {"server_stream_request_over_limit", ServerStreamRequestOverLimit, kServerLimited},
      {"client_stream_message_over_limit", ClientStreamMessageOverLimit, kServerLimited},
      {"bidi_message_to_server_over_limit", BidiMessageToServerOverLimit, kServerLimited},
      {"server_stream_message_over_limit", ServerStreamMessageOverLimit, kClientLimited},
      {"bidi_message_to_client_over_limit", BidiMessageToClientOverLimit, kClientLimited},
      {"client_stream_reply_over_limit", ClientStreamReplyOverLimit, kClientLimited},
  };
}

}  // namespace udsrpc::parity
