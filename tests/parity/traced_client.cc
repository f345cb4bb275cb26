#include "tests/parity/traced_client.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

namespace udsrpc::parity {

void TracedClient::Start(const std::string& request) { Start(NoteOf(request)); }

void TracedClient::Start(const Note& request) {
  Add("Start");
  call_->Start(request);
}

std::optional<std::string> TracedClient::Read() {
  Note note;
  if (!call_->Read(note)) {
    Add("Read = false");
    return std::nullopt;
  }
  Add(absl::StrCat("Read = ", Describe(note)));
  return note.body();
}

void TracedClient::ReadAll() {
  while (Read()) continue;
}

bool TracedClient::Write(const std::string& body) { return Write(NoteOf(body)); }

bool TracedClient::Write(const Note& note) {
  const bool written = call_->Write(note, /*last=*/false);
  AddWrite(absl::StrCat("Write(", Describe(note), ") = ", TrueOrFalse(written)));
  return written;
}

bool TracedClient::WriteLast(const std::string& body) {
  const bool written = call_->Write(NoteOf(body), /*last=*/true);
  AddWrite(absl::StrCat("WriteLast(", Describe(body), ") = ", TrueOrFalse(written)));
  return written;
}

bool TracedClient::WritesDone() {
  const bool done = call_->WritesDone();
  AddWrite(absl::StrCat("WritesDone = ", TrueOrFalse(done)));
  return done;
}

void TracedClient::WaitForInitialMetadata() {
  call_->WaitForInitialMetadata();
  Add(absl::StrCat("initial metadata ", Describe(call_->initial_metadata())));
}

absl::StatusCode TracedClient::Finish(MadeBy made_by) {
  const Outcome outcome = call_->Finish();
  Add(absl::StrCat("Finish = ",
                   made_by == MadeBy::kApplication ? Describe(outcome) : absl::StatusCodeToString(outcome.code)));
  Add(absl::StrCat("initial metadata ", Describe(call_->initial_metadata())));
  Add(absl::StrCat("trailing metadata ", Describe(call_->trailing_metadata())));
  if (outcome.code == absl::StatusCode::kOk && WritesOneResponse(kind_)) {
    Add(absl::StrCat("reply ", Describe(call_->reply())));
  }
  return outcome.code;
}

void TracedClient::Cancel() { call_->Cancel(); }

void TracedClient::Abandon() {
  Add("abandoned");
  call_.reset();
}

absl::StatusCode TracedClient::Call(const std::string& request, MadeBy made_by) {
  Start(request);
  return Finish(made_by);
}

void TracedClient::WriteUntilFalse(const std::string& body) {
  const Note note = NoteOf(body);
  while (call_->Write(note, /*last=*/false)) ++written_;
  AddWrite("Write = false in the end");
}

void TracedClient::AwaitStall() const {
  int seen = -1;
  while (seen != written_) {
    seen = written_;
    // There is no event to await: nothing happens.
    absl::SleepFor(absl::Milliseconds(100));
  }
}

}  // namespace udsrpc::parity
