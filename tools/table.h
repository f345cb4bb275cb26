#ifndef UDSRPC_TOOLS_TABLE_H_
#define UDSRPC_TOOLS_TABLE_H_

#include <string>
#include <vector>

namespace udsrpc::tools {

// Rows of cells, each column as wide as its widest cell. The first column is aligned left, numbers right.
class Table {
 public:
  enum class Align { kLeft, kRight };
  struct Column {
    std::string heading;
    Align align = Align::kRight;
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as there are columns.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  bool empty() const { return rows_.empty(); }

  // Lines, the first of them the headings in bold. Nothing follows the last cell of a line that is not empty.
  std::vector<std::string> Lines() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace udsrpc::tools

#endif  // UDSRPC_TOOLS_TABLE_H_
