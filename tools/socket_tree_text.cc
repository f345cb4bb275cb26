#include "tools/socket_tree_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "tools/terminal.h"

namespace udsrpc::tools {
namespace {

// What a process says of itself must not reach the terminal as it is.
std::string PrintableName(const std::string& text) {
  // Quotes are no danger, and common in a command line. The first pair keeps an escaped backslash from joining one.
  return absl::StrReplaceAll(absl::Utf8SafeCHexEscape(text), {{R"(\\)", R"(\\)"}, {R"(\")", "\""}, {R"(\')", "'"}});
}

size_t ColumnsOf(absl::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// A line of words in their styles, which know of no columns.
class TreeLine {
 public:
  TreeLine(size_t indent, size_t width) : text_(indent, ' '), width_(width), columns_(indent) {}

  // In `style` where the line has room for it; cut where it has not.
  TreeLine& Add(absl::string_view word) { return Append(word, nullptr); }
  TreeLine& Add(Style style, absl::string_view word) { return Append(word, &style); }
  // Spaces up to that column, at least two.
  TreeLine& Column(size_t column) {
    const size_t spaces = column > columns_ + 2 ? column - columns_ : 2;
    return Append(std::string(spaces, ' '), nullptr);
  }

  std::string Take() { return std::move(text_) + "\n"; }

 private:
  TreeLine& Append(absl::string_view word, const Style* style) {
    const size_t left = width_ == 0 ? word.size() : width_ - std::min(width_, columns_);
    const std::string cut = Cut(word, left);
    columns_ += ColumnsOf(cut);
    absl::StrAppend(&text_, style == nullptr ? cut : Styled(*style, cut));
    return *this;
  }

  // What fits into so many columns, by whole characters.
  static std::string Cut(absl::string_view word, size_t columns) {
    if (ColumnsOf(word) <= columns) return std::string(word);
    size_t size = 0;
    for (size_t seen = 0; size < word.size(); ++size) {
      if ((word[size] & 0xC0) != 0x80 && seen++ == columns) break;
    }
    return std::string(word.substr(0, size));
  }

  std::string text_;
  const size_t width_;
  size_t columns_;
};

// Columns of the parts of a client's line.
struct Widths {
  size_t pid = 0;
  size_t user = 0;
  size_t transport = 0;
};

std::string PidText(const Holder& process) { return process.has_pid() ? absl::StrCat(process.pid()) : "?"; }

std::string UserText(const Holder& process) {
  if (!process.user().empty()) return PrintableName(process.user());
  return process.has_uid() ? absl::StrCat(process.uid()) : "?";
}

std::string CommandText(const Holder& process) { return process.has_pid() ? PrintableName(process.command()) : "?"; }

std::string ConnectionsText(const Client& client) {
  std::string text = client.transport();
  if (client.connections() != 1) absl::StrAppend(&text, " x", client.connections());
  return text;
}

Widths WidthsOf(const SocketTree& tree) {
  Widths widths;
  const auto widen = [&widths](const Holder& process) {
    widths.pid = std::max(widths.pid, ColumnsOf(PidText(process)));
    widths.user = std::max(widths.user, ColumnsOf(UserText(process)));
  };
  for (const ServerProcess& server : tree.servers()) {
    for (const EndpointSockets& endpoint : server.endpoints()) {
      for (const Client& client : endpoint.clients()) {
        widen(client.process());
        widths.transport = std::max(widths.transport, ColumnsOf(ConnectionsText(client)));
      }
    }
  }
  return widths;
}

std::string Counted(uint32_t count, absl::string_view what) {
  return absl::StrCat(count == 0 ? "no" : absl::StrCat(count), " ", what, count == 1 ? "" : "s");
}

// "grpc 2, seqpacket 1".
std::string SocketsText(const EndpointSockets& endpoint) {
  std::vector<std::string> parts;
  for (const Socket& socket : endpoint.sockets()) {
    std::string part = socket.transport();
    if (!socket.listening() && socket.transport() != "datagram" && !endpoint.target().empty()) part += " (closed)";
    parts.push_back(std::move(part));
  }
  return absl::StrJoin(parts, ", ");
}

void AppendRemarks(const EndpointSockets& endpoint, TreeLine* line) {
  for (const Socket& socket : endpoint.sockets()) {
    if (socket.backlog() == 0) continue;
    line->Add("  ").Add(Style::kYellow, absl::StrCat(socket.backlog(), " of at most ", socket.backlog_limit(),
                                                     " wait to be accepted by ", socket.transport()));
  }
  if (endpoint.has_network()) {
    line->Add("  ").Add(Style::kDim, absl::StrCat("in network namespace ", endpoint.network()));
  }
  if (endpoint.file_missing() && endpoint.sockets(0).listening())
    line->Add("  ").Add(Style::kRed, "its file is gone: nobody can connect");
  for (const Holder& other : endpoint.also_held_by()) {
    line->Add("  ").Add(Style::kDim, absl::StrCat("also held by ", other.pid(), " ", PrintableName(other.name())));
  }
}

void AppendRemarks(const Client& client, TreeLine* line) {
  if (client.waiting() > 0) {
    line->Add(Style::kYellow, absl::StrCat(client.waiting(), " not accepted yet")).Add("  ");
  }
  if (client.unread_by_server() > 0) {
    line->Add(Style::kYellow, absl::StrCat(client.unread_by_server(), " bytes unread by the server")).Add("  ");
  }
  if (client.unread_by_client() > 0) {
    line->Add(Style::kYellow, absl::StrCat(client.unread_by_client(), " bytes unread by the client")).Add("  ");
  }
  if (!client.address().empty()) line->Add("from ").Add(Style::kCyan, client.address()).Add("  ");
}

// Without what is in the middle where a line has no room for it beside the rest. Targets are ASCII.
std::string Shortened(const std::string& target, size_t width) {
  constexpr size_t kRest = 40;
  constexpr size_t kEnd = 20;
  if (width < 2 * kRest || target.size() <= width - kRest) return target;
  return absl::StrCat(target.substr(0, width - kRest - kEnd - 3), "...", target.substr(target.size() - kEnd));
}

std::string EndpointText(const EndpointSockets& endpoint, const Widths& widths, size_t width) {
  constexpr size_t kIndent = 2;
  uint32_t connections = 0;
  for (const Client& client : endpoint.clients()) connections += client.connections();
  TreeLine line(kIndent, width);
  line.Add(Style::kCyan, endpoint.target().empty() ? "(not bound)" : Shortened(endpoint.target(), width));
  line.Add("  ").Add(SocketsText(endpoint)).Add("  ").Add(Style::kDim, Counted(connections, "connection"));
  AppendRemarks(endpoint, &line);
  std::string text = line.Take();
  for (const Client& client : endpoint.clients()) {
    const size_t user = 2 * kIndent + widths.pid + 2;
    const size_t transport = user + widths.user + 2;
    TreeLine row(2 * kIndent, width);
    row.Add(Style::kBold, PidText(client.process())).Column(user).Add(UserText(client.process()));
    row.Column(transport).Add(ConnectionsText(client)).Column(transport + widths.transport + 2);
    AppendRemarks(client, &row);
    row.Add(CommandText(client.process()));
    text += row.Take();
  }
  return text;
}

}  // namespace

std::string SocketTreeText(const SocketTree& tree, int width) {
  const size_t columns = static_cast<size_t>(std::max(width, 0));
  const Widths widths = WidthsOf(tree);
  std::string text;
  for (const ServerProcess& server : tree.servers()) {
    const Holder& process = server.process();
    TreeLine line(0, columns);
    line.Add(Style::kBold, PidText(process)).Add("  ").Add(UserText(process)).Add("  ").Add(CommandText(process));
    text += line.Take();
    for (const EndpointSockets& endpoint : server.endpoints()) text += EndpointText(endpoint, widths, columns);
  }
  for (const std::string& note : tree.notes()) absl::StrAppend(&text, Styled(Style::kDim, "note: " + note), "\n");
  return text;
}

}  // namespace udsrpc::tools
