#include "tools/table.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "tools/terminal.h"

namespace udsrpc::tools {

std::vector<std::string> Table::Lines() const {
  std::vector<size_t> widths;
  for (size_t i = 0; i < columns_.size(); ++i) {
    size_t width = columns_[i].heading.size();
    for (const auto& row : rows_) width = std::max(width, row[i].size());
    widths.push_back(width);
  }
  const auto line = [&](const auto& cell_of) {
    std::string text;
    for (size_t i = 0; i < columns_.size(); ++i) {
      const std::string& cell = cell_of(i);
      const std::string space(widths[i] - cell.size(), ' ');
      const bool left = columns_[i].align == Align::kLeft;
      absl::StrAppend(&text, i == 0 ? "" : "  ", left ? "" : space, cell, left ? space : "");
    }
    absl::StripTrailingAsciiWhitespace(&text);
    return text;
  };
  std::vector<std::string> lines;
  lines.push_back(Styled(Style::kBold, line([&](size_t i) -> const std::string& { return columns_[i].heading; })));
  for (const auto& row : rows_) lines.push_back(line([&](size_t i) -> const std::string& { return row[i]; }));
  return lines;
}

}  // namespace udsrpc::tools
