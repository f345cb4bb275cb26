#include "trace_context.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "absl/random/random.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

namespace {

constexpr absl::string_view kKey = "traceparent";

// 16 hexadecimal digits that nobody else has.
std::string NewId() {
  static thread_local absl::BitGen random;
  return absl::StrFormat("%016x", absl::Uniform<uint64_t>(random, 1, UINT64_MAX));
}

bool IsHex(absl::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](char c) {
           return absl::ascii_isdigit(static_cast<unsigned char>(c)) || (c >= 'a' && c <= 'f');
         });
}

bool IsZero(absl::string_view text) { return text.find_first_not_of('0') == absl::string_view::npos; }

}  // namespace

TraceContext TraceContext::Start() {
  return {.trace_id = absl::StrCat(NewId(), NewId()), .parent_id = NewId(), .flags = "01"};
}

std::optional<TraceContext> TraceContext::Parse(absl::string_view traceparent) {
  const std::vector<std::string> parts = absl::StrSplit(traceparent, '-');
  if (parts.size() < 4 || !IsHex(parts[0], 2) || parts[0] == "ff" || (parts[0] == "00" && parts.size() > 4)) return {};
  if (!IsHex(parts[1], 32) || !IsHex(parts[2], 16) || !IsHex(parts[3], 2)) return {};
  if (IsZero(parts[1]) || IsZero(parts[2])) return {};
  return TraceContext{.trace_id = parts[1], .parent_id = parts[2], .flags = parts[3]};
}

std::optional<TraceContext> TraceContext::Of(const udsrpc::Metadata& metadata) {
  const std::optional<absl::string_view> traceparent = metadata.Get(kKey);
  return traceparent.has_value() ? Parse(*traceparent) : std::nullopt;
}

TraceContext TraceContext::Child() const { return {.trace_id = trace_id, .parent_id = NewId(), .flags = flags}; }

std::string TraceContext::ToString() const { return absl::StrCat("00-", trace_id, "-", parent_id, "-", flags); }

void TraceContext::PutInto(udsrpc::Metadata& metadata) const {
  udsrpc::Metadata others;
  for (const auto& [key, value] : metadata) {
    if (key != kKey) others.Add(key, value).IgnoreError();  // it was added before
  }
  others.Add(kKey, ToString()).IgnoreError();  // nothing but digits
  metadata = others;
}
