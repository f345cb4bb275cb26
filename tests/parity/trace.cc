#include "tests/parity/trace.h"

#include <algorithm>
#include <functional>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"

namespace udsrpc::parity {

void Trace::Add(const std::string& track, const std::string& line) {
  internal::MutexLock lock(mutex_);
  tracks_[track].push_back(line);
}

std::string Trace::Text() const {
  internal::MutexLock lock(mutex_);
  std::string text;
  for (const auto& [track, lines] : tracks_) {
    for (const std::string& line : lines) absl::StrAppend(&text, track, ": ", line, "\n");
  }
  return text;
}

std::string Describe(const std::string& bytes) {
  if (bytes.size() <= 40) return absl::StrCat("'", absl::CHexEscape(bytes), "'");
  return absl::StrCat("<", bytes.size(), " bytes, hash ", absl::Hex(std::hash<std::string>()(bytes)), ">");
}

std::string Describe(const Note& note) { return Describe(note.body()); }

std::string Describe(const Entries& entries) {
  std::string text = "{";
  for (const auto& [key, value] : entries) absl::StrAppend(&text, " ", key, "=", Describe(value));
  return text + " }";
}

std::string Describe(const Outcome& outcome) {
  if (outcome.code == absl::StatusCode::kOk) return "OK";
  // absl::Status keeps payloads in an order of its own.
  Entries payloads = outcome.payloads;
  std::sort(payloads.begin(), payloads.end());
  return absl::StrCat(absl::StatusCodeToString(outcome.code), " ", Describe(outcome.message),
                      payloads.empty() ? "" : absl::StrCat(" with ", Describe(payloads)));
}

const char* TrueOrFalse(bool value) { return value ? "true" : "false"; }

Note NoteOf(const std::string& body) {
  Note note;
  note.set_body(body);
  return note;
}

}  // namespace udsrpc::parity
