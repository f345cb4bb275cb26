#include "tests/parity/traced_handler.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace udsrpc::parity {

TracedHandler::TracedHandler(ServerCall& call, Trace& trace, const std::string& track)
    : call_(call), trace_(trace), track_(track) {
  Add(absl::StrCat("begins with ", Describe(call.request()), ", metadata ", Describe(call.client_metadata())));
}

void TracedHandler::Reply(const std::string& body) { call_.SetReply(NoteOf(body)); }

std::optional<std::string> TracedHandler::Read() {
  Note note;
  if (!call_.Read(note)) {
    Add("Read = false");
    return std::nullopt;
  }
  Add(absl::StrCat("Read = ", Describe(note)));
  return note.body();
}

void TracedHandler::ReadAll() {
  while (Read()) continue;
}

bool TracedHandler::Write(const std::string& body) { return Write(NoteOf(body)); }

bool TracedHandler::Write(const Note& note) {
  const bool written = call_.Write(note);
  AddWrite(absl::StrCat("Write(", Describe(note), ") = ", TrueOrFalse(written)));
  return written;
}

void TracedHandler::WriteUntilFalse(const std::string& body) {
  const Note note = NoteOf(body);
  while (call_.Write(note)) continue;
  AddWrite("Write = false in the end");
}

void TracedHandler::AddInitialMetadata(const std::string& key, const std::string& value) {
  if (!call_.AddInitialMetadata(key, value)) Add(absl::StrCat("initial metadata ", key, " refused"));
}

void TracedHandler::AddTrailingMetadata(const std::string& key, const std::string& value) {
  if (!call_.AddTrailingMetadata(key, value)) Add(absl::StrCat("trailing metadata ", key, " refused"));
}

void TracedHandler::ShowDeadline(absl::Duration timeout) {
  const absl::Time deadline = call_.deadline();
  if (deadline == absl::InfiniteFuture()) return Add("no deadline");
  const absl::Duration left = deadline - absl::Now();
  Add(absl::StrCat("deadline in about ", absl::FormatDuration(timeout), " = ",
                   TrueOrFalse(absl::AbsDuration(timeout - left) < timeout / 5)));
}

void TracedHandler::ShowCancelled() { Add(absl::StrCat("IsCancelled = ", TrueOrFalse(call_.IsCancelled()))); }

void TracedHandler::AwaitCancelled() {
  Add(absl::StrCat("IsCancelled in the end = ", TrueOrFalse(call_.AwaitCancelled())));
}

}  // namespace udsrpc::parity
