// Prints files that a file server hands out:
//
//   files_client [--transport=grpc|seqpacket|auto] ENDPOINT PATH...
//
// Each comes as an open descriptor and is read here; its bytes never pass through the server.

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "files.udsrpc.pb.h"
#include "udsrpc/channel.h"
#include "udsrpc/unique_fd.h"

ABSL_FLAG(udsrpc::Transport, transport, udsrpc::Transport::kSeqpacket,
          "grpc, seqpacket or auto; gRPC carries no files");

namespace {

// README: client
absl::StatusOr<udsrpc::UniqueFd> OpenFile(const files::FilesStub& stub, const std::string& path) {
  udsrpc::ClientContext context;
  context.set_timeout(absl::Seconds(5));
  files::OpenRequest request;
  files::OpenResponse response;
  request.set_path(path);
  absl::Status status = stub.Open(context, request, response);
  if (!status.ok()) return status;
  std::vector<udsrpc::UniqueFd> fds = context.TakeFds();
  if (fds.size() != 1) return absl::InternalError(absl::StrCat(path, ": it came with ", fds.size(), " descriptors"));
  return std::move(fds.front());
}
// README: end

absl::Status Print(const udsrpc::UniqueFd& file) {
  std::array<char, 65536> buffer;
  for (;;) {
    const ssize_t bytes = read(file.get(), buffer.data(), buffer.size());
    if (bytes < 0 && errno == EINTR) continue;
    if (bytes < 0) return absl::ErrnoToStatus(errno, "read");
    if (bytes == 0) return absl::OkStatus();
    std::cout.write(buffer.data(), bytes);
  }
}

int Fail(absl::string_view message) {
  std::cerr << "files_client: " << message << "\n";
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  absl::SetProgramUsageMessage("prints a server's files: files_client [flags] ENDPOINT PATH...");
  const std::vector<char*> arguments = absl::ParseCommandLine(argc, argv);
  if (arguments.size() < 3) return Fail("give an endpoint, such as unix:/run/files.sock, and paths below its root");
  auto channel =
      udsrpc::CreateChannel(arguments[1], {.transport = absl::GetFlag(FLAGS_transport), .max_receive_fds = 1});
  if (!channel.ok()) return Fail(channel.status().message());
  const files::FilesStub stub(*channel);
  for (size_t i = 2; i < arguments.size(); ++i) {
    const absl::StatusOr<udsrpc::UniqueFd> file = OpenFile(stub, arguments[i]);
    if (!file.ok()) return Fail(file.status().ToString());
    if (const absl::Status printed = Print(*file); !printed.ok()) return Fail(printed.ToString());
  }
  std::cout.flush();
  return 0;
}
