#include "common/src/valid_utf8.h"

#include <algorithm>
#include <cstdint>

namespace udsrpc {
namespace {

constexpr absl::string_view kReplacement = "\xef\xbf\xbd";
constexpr absl::string_view kCut = "...";

// Of the character that `text`, which is not empty, begins with, in bytes; 0: with none. By table 3-7 of the Unicode
// Standard: neither longer than need be, nor a surrogate, nor above U+10FFFF.
size_t CharacterLength(absl::string_view text) {
  const auto at = [&](size_t i) { return i < text.size() ? static_cast<uint8_t>(text[i]) : 0; };
  const auto continues = [&](size_t i, int least = 0x80, int most = 0xbf) { return at(i) >= least && at(i) <= most; };
  const int first = at(0);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool second = continues(1, first == 0xe0 ? 0xa0 : 0x80, first == 0xed ? 0x9f : 0xbf);
    return second && continues(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool second = continues(1, first == 0xf0 ? 0x90 : 0x80, first == 0xf4 ? 0x8f : 0xbf);
    return second && continues(2) && continues(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

std::string ValidUtf8(absl::string_view text, size_t most) {
  std::string valid;
  valid.reserve(std::min(text.size(), most));
  size_t cut = 0;  // so much stays where there is more than fits
  while (!text.empty()) {
    const size_t length = CharacterLength(text);
    const absl::string_view character = length > 0 ? text.substr(0, length) : kReplacement;
    if (valid.size() + character.size() > most) {
      valid.resize(cut);
      valid.append(kCut.data(), kCut.size());
      break;
    }
    valid.append(character.data(), character.size());
    if (valid.size() + kCut.size() <= most) cut = valid.size();
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return valid;
}

}  // namespace udsrpc
