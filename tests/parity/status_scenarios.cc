#include <stdexcept>
#include <string>

#include "absl/strings/str_cat.h"
#include "tests/parity/scenario.h"

namespace udsrpc::parity {
namespace {

Note Unparsable() {
  Note note;
  note.set_text("\xff");
  return note;
}

// Ends one call of `kind` with each of `outcomes`.
void EndWith(Run& run, MethodKind kind, const std::vector<Outcome>& outcomes) {
  size_t next = 0;
  run.Serve([&](TracedHandler&) { return outcomes[next++]; });
  for (size_t i = 0; i < outcomes.size(); ++i) {
    TracedClient call = run.Call({.kind = kind});
    call.Start();
    if (kind == kServerStream || kind == kBidi) call.ReadAll();
    if (kind == kClientStream) call.untraced().WritesDone();
    call.Finish();
  }
}

std::vector<Outcome> AllCodes() {
  std::vector<Outcome> outcomes;
  for (int code = 1; code <= 16; ++code) {
    outcomes.push_back(Fail(static_cast<absl::StatusCode>(code), absl::StrCat("code ", code)));
  }
  return outcomes;
}

void AllCodesUnary(Run& run) { EndWith(run, kUnary, AllCodes()); }
void AllCodesServerStream(Run& run) { EndWith(run, kServerStream, AllCodes()); }
void AllCodesClientStream(Run& run) { EndWith(run, kClientStream, AllCodes()); }
void AllCodesBidi(Run& run) { EndWith(run, kBidi, AllCodes()); }

std::vector<Outcome> Messages() {
  std::vector<Outcome> outcomes;
  for (const std::string& message : {std::string(), std::string("%"), std::string("100%25 %zz %"),
                                     std::string("w\u00f6rds \u263A"), std::string("one\ntwo\r\n\tthree"),
                                     std::string("\x01\x7f \"'\\"), std::string(" spaces "), std::string(3000, 'm')}) {
    outcomes.push_back(Fail(absl::StatusCode::kInvalidArgument, message));
  }
  return outcomes;
}

void StatusMessagesUnary(Run& run) { EndWith(run, kUnary, Messages()); }
void StatusMessagesBidi(Run& run) { EndWith(run, kBidi, Messages()); }

std::vector<Outcome> Details() {
  const std::string binary("\0\xff\x80 ,\n", 6);
  return {Fail(absl::StatusCode::kNotFound, "one", {{"type.googleapis.com/x.Y", binary}}),
          Fail(absl::StatusCode::kNotFound, "two", {{"type.googleapis.com/x.Y", binary}, {"other/z", ""}}),
          Fail(absl::StatusCode::kNotFound, "opaque", {{kOpaqueDetails, "\xff no protobuf"}}),
          Fail(absl::StatusCode::kNotFound, "none")};
}

void StatusDetailsUnary(Run& run) { EndWith(run, kUnary, Details()); }
void StatusDetailsServerStream(Run& run) { EndWith(run, kServerStream, Details()); }

// A reply or message that the handler gave before it failed.
void ReplyOfAFailedCall(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply("dropped");
    return Fail(absl::StatusCode::kDataLoss, "failed");
  });
  TracedClient unary = run.Call();
  unary.Call("");
  TracedClient stream = run.Call({.kind = kClientStream});
  stream.Start();
  stream.untraced().WritesDone();
  stream.Finish();
}

void Throw(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler&) -> Outcome { throw std::runtime_error("boom"); });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  if (kind == kServerStream || kind == kBidi) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void UnaryHandlerThrows(Run& run) { Throw(run, kUnary); }
void ServerStreamHandlerThrows(Run& run) { Throw(run, kServerStream); }
void ClientStreamHandlerThrows(Run& run) { Throw(run, kClientStream); }
void BidiHandlerThrows(Run& run) { Throw(run, kBidi); }

void HandlerThrowsAfterMessages(Run& run) {
  run.Serve([](TracedHandler& handler) -> Outcome {
    handler.Write("one");
    throw 2;
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void WrongRequest(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler&) { return Ok(); });
  TracedClient call = run.Call({.kind = kind});
  call.Start(Unparsable());
  if (kind == kServerStream) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void WrongUnaryRequest(Run& run) { WrongRequest(run, kUnary); }
void WrongServerStreamRequest(Run& run) { WrongRequest(run, kServerStream); }

void WrongClientMessage(Run& run, MethodKind kind) {
  run.Serve([](TracedHandler& handler) {
    handler.Read();
    handler.Read();
    return Ok();
  });
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  call.Write("right");
  call.Write(Unparsable());
  call.untraced().WritesDone();
  if (kind == kBidi) call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void WrongMessageInClientStream(Run& run) { WrongClientMessage(run, kClientStream); }
void WrongMessageInBidi(Run& run) { WrongClientMessage(run, kBidi); }

void WrongUnaryReply(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Reply(Unparsable());
    return Ok();
  });
  TracedClient call = run.Call();
  call.Call("", MadeBy::kLibrary);
}

void WrongMessageInServerStream(Run& run) {
  run.Serve([](TracedHandler& handler) {
    handler.Write("right");
    handler.Write(Unparsable());
    return Ok();
  });
  TracedClient call = run.Call({.kind = kServerStream});
  call.Start();
  call.ReadAll();
  call.Finish(MadeBy::kLibrary);
}

void MissingReply(Run& run, MethodKind kind) {
  run.ServeWithoutReplies();
  TracedClient call = run.Call({.kind = kind});
  call.Start();
  if (kind == kClientStream) call.WritesDone();
  call.Finish(MadeBy::kLibrary);
}

void MissingUnaryReply(Run& run) { MissingReply(run, kUnary); }
void MissingClientStreamReply(Run& run) { MissingReply(run, kClientStream); }

}  // namespace

std::vector<Scenario> StatusScenarios() {
  return {
      {"all_codes_unary", AllCodesUnary},
      {"all_codes_server_stream", AllCodesServerStream},
      {"all_codes_client_stream", AllCodesClientStream},
      {"all_codes_bidi", AllCodesBidi},
      {"status_messages_unary", StatusMessagesUnary},
      {"status_messages_bidi", StatusMessagesBidi},
      {"status_details_unary", StatusDetailsUnary},
      {"status_details_server_stream", StatusDetailsServerStream},
      {"reply_of_a_failed_call_is_dropped", ReplyOfAFailedCall},
      {"unary_handler_throws", UnaryHandlerThrows},
      {"server_stream_handler_throws", ServerStreamHandlerThrows},
      {"client_stream_handler_throws", ClientStreamHandlerThrows},
      {"bidi_handler_throws", BidiHandlerThrows},
      {"handler_throws_after_messages", HandlerThrowsAfterMessages},
      {"wrong_request_unary", WrongUnaryRequest},
      {"wrong_request_server_stream", WrongServerStreamRequest},
      {"wrong_message_from_client_in_client_stream", WrongMessageInClientStream},
      {"wrong_message_from_client_in_bidi", WrongMessageInBidi},
      {"wrong_reply_unary", WrongUnaryReply},
      {"missing_reply_unary", MissingUnaryReply},
      {"missing_reply_client_stream", MissingClientStreamReply},
      {"wrong_message_from_server_in_server_stream", WrongMessageInServerStream},
  };
}

}  // namespace udsrpc::parity
