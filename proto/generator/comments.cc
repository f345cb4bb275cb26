#include "proto/generator/comments.h"

#include <cstddef>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_split.h"

namespace udsrpc::generator {
namespace {

using google::protobuf::SourceLocation;
using google::protobuf::io::Printer;

struct Character {
  char32_t code_point;
  size_t size;  // in bytes; zero where the bytes are no UTF-8
};

// The character at the front of `text`, which is not empty, by RFC 3629.
Character FirstCharacter(std::string_view text) {
  const auto byte = [text](size_t i) { return static_cast<unsigned char>(text[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const size_t size = byte(0) >= 0xF0 ? 4 : byte(0) >= 0xE0 ? 3 : 2;
  if (byte(0) < 0xC2 || byte(0) > 0xF4 || text.size() < size) return {0, 0};
  char32_t code_point = byte(0) & (0xFFu >> (size + 1));
  for (size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return {0, 0};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  const bool overlong = (size == 3 && code_point < 0x800) || (size == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) return {0, 0};
  return {code_point, size};
}

// Characters that would make a line look like something else than what the compiler reads.
bool IsUnsafe(char32_t c) {
  if (c == '\t') return false;
  const bool control = c < 0x20 || (c >= 0x7F && c < 0xA0);
  const bool separator = c == 0x2028 || c == 0x2029;
  // Those of Unicode's bidirectional algorithm (UAX #9): "Trojan Source", CVE-2021-42574.
  const bool direction =
      c == 0x061C || c == 0x200E || c == 0x200F || (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
  return control || separator || direction;
}

std::string SafeLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const Character character = FirstCharacter(text);
    if (character.size == 0 || IsUnsafe(character.code_point)) {
      line += '?';
    } else {
      line += text.substr(0, character.size);
    }
    text.remove_prefix(character.size == 0 ? 1 : character.size);
  }
  absl::StripTrailingAsciiWhitespace(&line);
  // Both splice the next line on to this one, the second as a trigraph, even with spaces behind them.
  if (line.ends_with('\\') || line.ends_with("?\?/")) line += " //";
  return line;
}

Comments FromLocation(const SourceLocation& location) {
  Comments comments;
  for (const std::string& text : location.leading_detached_comments) comments.detached.push_back(CommentLines(text));
  for (const std::string& text : {location.leading_comments, location.trailing_comments}) {
    if (text.empty()) continue;
    if (!comments.attached.empty()) comments.attached.emplace_back();
    for (std::string& line : CommentLines(text)) comments.attached.push_back(std::move(line));
  }
  return comments;
}

template <typename Descriptor>
Comments CommentsOfDescriptor(const Descriptor& descriptor) {
  SourceLocation location;
  return descriptor.GetSourceLocation(&location) ? FromLocation(location) : Comments();
}

}  // namespace

Comments CommentsOf(const google::protobuf::ServiceDescriptor& service) { return CommentsOfDescriptor(service); }
Comments CommentsOf(const google::protobuf::MethodDescriptor& method) { return CommentsOfDescriptor(method); }

std::vector<std::string> CommentLines(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> lines;
  for (std::string& line : std::vector<std::string>(absl::StrSplit(std::string(text), '\n'))) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(SafeLine(line));
  }
  return lines;
}

void PrintComment(Printer& printer, const std::string& indent, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    // protoc keeps the space behind the `//` of the .proto.
    const bool needs_space = !line.empty() && line.front() != ' ' && line.front() != '\t';
    printer.Print("$indent$//$space$$line$\n", "indent", indent, "space", needs_space ? " " : "", "line", line);
  }
}

void PrintDetached(Printer& printer, const std::string& indent, const Comments& comments) {
  for (const std::vector<std::string>& lines : comments.detached) {
    PrintComment(printer, indent, lines);
    printer.Print("\n");
  }
}

}  // namespace udsrpc::generator
