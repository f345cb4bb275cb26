#include "proto/generator/layout.h"

#include <algorithm>
#include <cstddef>

#include "absl/strings/str_cat.h"

namespace udsrpc::generator {
namespace {

constexpr size_t kColumns = 120;

// Where the items go when they do not follow `open` on its line.
size_t InnerColumn(std::string_view open) { return std::min(open.find_first_not_of(' '), open.size()) + 4; }

}  // namespace

bool FitsOnLine(std::string_view open, std::string_view item, std::string_view close) {
  return std::min(open.size(), InnerColumn(open)) + item.size() + close.size() <= kColumns;
}

std::vector<std::string> BreakList(std::string_view open, const std::vector<std::string>& items,
                                   std::string_view close) {
  // The last item is followed by `close`, every other by a comma.
  const auto size = [&](size_t i) { return items[i].size() + (i + 1 == items.size() ? close.size() : 1); };
  size_t longest = 0;
  for (size_t i = 0; i < items.size(); ++i) longest = std::max(longest, size(i));

  std::vector<std::string> lines = {std::string(open)};
  size_t column = open.size();
  if (column + longest > kColumns) {
    column = InnerColumn(open);
    lines.emplace_back(column, ' ');
  }
  for (size_t i = 0; i < items.size(); ++i) {
    if (lines.back().size() > column) {
      if (lines.back().size() + 1 + size(i) <= kColumns) {
        lines.back() += ' ';
      } else {
        lines.emplace_back(column, ' ');
      }
    }
    lines.back() += items[i];
    if (i + 1 < items.size()) lines.back() += ',';
  }
  lines.back() += close;
  return lines;
}

void PrintList(google::protobuf::io::Printer& printer, std::string_view open, const std::vector<std::string>& items,
               std::string_view close) {
  for (const std::string& line : BreakList(open, items, close)) printer.Print("$line$\n", "line", line);
}

void PrintFunction(google::protobuf::io::Printer& printer, const std::string& indent, const std::string& type,
                   const std::string& name, const std::vector<std::string>& parameters, std::string_view close) {
  std::string open = absl::StrCat(indent, type, " ", name, "(");
  if (open.size() > kColumns) {
    printer.Print("$indent$$type$\n", "indent", indent, "type", type);
    open = absl::StrCat(indent, name, "(");
  }
  PrintList(printer, open, parameters, close);
}

}  // namespace udsrpc::generator
