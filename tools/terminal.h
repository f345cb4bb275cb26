#ifndef UDSRPC_TOOLS_TERMINAL_H_
#define UDSRPC_TOOLS_TERMINAL_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace udsrpc::tools {

enum class Style { kBold, kDim, kRed, kGreen, kYellow, kCyan };

// `text` in that style where standard output, or standard error, is to be coloured (--color), else as it is.
std::string Styled(Style style, absl::string_view text);
std::string StyledForError(Style style, absl::string_view text);

// What somebody else has sent, fit for a terminal: control characters, and bytes that are no UTF-8, as \n, \r, \t or
// \xNN; everything else as it is.
std::string Printable(absl::string_view text);

// "1 call", "2 calls".
std::string CountOf(uint64_t count, absl::string_view what);

// Writes what standard output has buffered. False: that, or what was written before, was lost; then more is of no use.
bool FlushOutput();
// Why it was lost.
std::string OutputErrorText();

// Of standard output in columns; 80 where that is no terminal.
int TerminalWidth();

// Paragraphs broken into lines of at most `width` columns, each behind `indent` spaces.
std::string Wrap(absl::string_view text, int indent, int width);

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TERMINAL_H_
