#include "tools/ps.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "tools/flags.h"
#include "tools/json.h"
#include "tools/socket_snapshot.h"
#include "tools/socket_tree.h"
#include "tools/socket_tree_text.h"
#include "tools/target.h"
#include "tools/terminal.h"
#include "udsrpc/endpoint.h"

ABSL_FLAG(bool, all, false, "Show all Unix sockets of the host, not only udsrpc's");

namespace udsrpc::tools {
namespace {

std::string ProcessesText(ptrdiff_t count) { return count == 1 ? "1 process" : absl::StrCat(count, " processes"); }

bool HasUnknown(const SocketTree& tree) {
  for (const ServerProcess& server : tree.servers()) {
    if (!server.process().has_pid()) return true;
    for (const EndpointSockets& endpoint : server.endpoints()) {
      for (const Client& client : endpoint.clients()) {
        if (!client.process().has_pid()) return true;
      }
    }
  }
  return false;
}

// What is missing in the tree, and what to do about it.
void AddNotes(const SocketSnapshot& snapshot, const std::string& why_no_peers, SocketTree* tree) {
  if (!snapshot.has_peers) {
    tree->add_notes(absl::StrCat("who the clients are, and queues, are not known: ", why_no_peers));
  }
  const auto count = [&snapshot](auto&& is) {
    return std::count_if(snapshot.processes.begin(), snapshot.processes.end(), is);
  };
  const auto unreadable = count([](const Process& process) { return !process.readable; });
  const bool is_root = geteuid() == 0;
  if (snapshot.has_peers && HasUnknown(*tree) && unreadable == 0) {
    tree->add_notes("\"?\" is a process that is not to be seen from here: of another pid namespace, or hidden");
  } else if (snapshot.has_peers && HasUnknown(*tree)) {
    tree->add_notes(absl::StrCat("\"?\" is one of ", ProcessesText(unreadable), " that this user may not look into; ",
                                 is_root ? "root may where it has CAP_SYS_PTRACE" : "run it as root to see which"));
  } else if (unreadable > 0) {
    tree->add_notes(absl::StrCat(ProcessesText(unreadable), " may not be looked into by this user; ",
                                 is_root ? "root may where it has CAP_SYS_PTRACE" : "root sees what is theirs"));
  }
  const auto elsewhere = [&snapshot](const Process& process) {
    return process.network != 0 && snapshot.networks.count(process.network) == 0;
  };
  if (const auto others = count(elsewhere); others > 0) {
    const Process& first = *std::find_if(snapshot.processes.begin(), snapshot.processes.end(), elsewhere);
    tree->add_notes(absl::StrCat(
        ProcessesText(others), " in other network namespaces, whose servers and connections are not shown, such as ",
        first.pid, "; ", is_root ? "root may enter them where it has CAP_SYS_ADMIN" : "root sees them"));
  }
}

Outcome ReadPsTarget(const std::string& argument, SocketFilter* filter) {
  if (Outcome checked = CheckOfThisHost(argument); checked.code != ExitCode::kOk) return checked;
  absl::StatusOr<Endpoint> endpoint = Endpoint::Parse(CanonicalTarget(argument));
  if (endpoint.ok() && endpoint->kind() == Endpoint::Kind::kPath) {
    std::error_code error;
    const std::filesystem::path path = std::filesystem::absolute(endpoint->address(), error).lexically_normal();
    if (!error) endpoint = Endpoint::FromPath(path.string());
    for (const char* suffix : {"", ".seqpacket"}) {
      struct stat file;
      if (stat((path.string() + suffix).c_str(), &file) == 0) filter->files.insert(static_cast<uint32_t>(file.st_ino));
    }
  }
  if (!endpoint.ok()) {
    return BadTarget(argument, endpoint.status());
  }
  filter->target = endpoint->ToString();
  return Outcome::Ok();
}

Outcome PrintTree(const SocketTree& tree, const SocketFilter& filter) {
  if (absl::GetFlag(FLAGS_json)) {
    if (Outcome printed = PrintReport(tree); printed.code != ExitCode::kOk) return printed;
  } else {
    if (tree.servers().empty() && filter.target.empty()) {
      std::puts(filter.all ? "no Unix sockets" : "no udsrpc sockets; --all shows the other Unix sockets of this host");
    }
    const bool is_terminal = isatty(STDOUT_FILENO) == 1;
    std::fputs(SocketTreeText(tree, is_terminal ? TerminalWidth() : 0).c_str(), stdout);
  }
  if (!tree.servers().empty() || filter.target.empty()) return Outcome::Ok();
  return Outcome::Unreachable(
      absl::StrCat("nobody listens at ", filter.target, "; \"udsrpc ps --all\" shows where somebody does"));
}

Outcome RunPs(const std::vector<std::string>& arguments) {
  SocketFilter filter{.all = absl::GetFlag(FLAGS_all)};
  if (!arguments.empty()) {
    if (Outcome outcome = ReadPsTarget(arguments[0], &filter); outcome.code != ExitCode::kOk) return outcome;
  }
  std::string why_no_peers;
  const absl::StatusOr<SocketSnapshot> snapshot = TakeSocketSnapshot(&why_no_peers);
  if (!snapshot.ok()) return Outcome::Failed(absl::StrCat(snapshot.status().message(), "; is /proc mounted?"));
  SocketTree tree = BuildSocketTree(*snapshot, filter);
  AddNotes(*snapshot, why_no_peers, &tree);
  return PrintTree(tree, filter);
}

}  // namespace

Command PsCommand() {
  return {
      .name = "ps",
      .arguments = "[TARGET]",
      .summary = "List the servers of this host, their endpoints and who is connected",
      .description =
          "Each server process with its endpoints, and below each of these the processes that are connected: pid, "
          "user, "
          "transport (x3: by three connections) and command. With connections that wait to be accepted, and bytes that "
          "were received and not read yet, where there are any: a server, or a client, that does not keep up.\n\n"
          "It asks the kernel alone (sock_diag, and /proc/PID/fd) and connects to nobody, so it sees sockets and not "
          "what is spoken on them. A socket counts as udsrpc's by where it is: PATH.seqpacket of the type "
          "SOCK_SEQPACKET, or an abstract name of that type, with a stream socket at PATH or the same name, which is "
          "gRPC's then, or alone. What else such a process listens on is shown as well, as \"stream\". A server that "
          "offers gRPC alone looks as any other stream server does: name its TARGET, or give --all.\n\n"
          "\"(closed)\": the server has stopped listening and serves the connections that are left. \"?\": a process "
          "that this user may not look into; only root sees everybody's. A path of more than 107 bytes, which the "
          "kernel "
          "knows as /proc/self/fd/N/NAME, is shown in full where the server may be looked into. Servers in "
          "other network namespaces, and connections that come from there, are shown to root, to whom the kernel tells "
          "of them.",
      .flags = {"all", "json"},
      .examples = {{"Who serves what to whom", "udsrpc ps"},
                   {"Who is connected to one server", "udsrpc ps unix:/run/greeter.sock"},
                   {"The pids of its clients",
                    "udsrpc ps --json /run/greeter.sock | jq '.servers[].endpoints[].clients[].process.pid'"},
                   {"Every Unix socket of the host, seen by root", "sudo udsrpc ps --all"}},
      .min_arguments = 0,
      .max_arguments = 1,
      .run = RunPs};
}

}  // namespace udsrpc::tools
