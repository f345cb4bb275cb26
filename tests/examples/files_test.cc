// examples/files: which files come, and which do not.

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "tests/examples/example_programs.h"

namespace udsrpc::testing {
namespace {

class FilesTest : public ExampleTest {
 protected:
  FilesTest() {
    std::filesystem::create_directories(root_ + "/below");
    Write(root_ + "/hello.txt", "hello\n");
    Write(root_ + "/below/deep.txt", "deep\n");
    Write(outside_.File("secret.txt"), "secret\n");
    std::filesystem::create_symlink("../hello.txt", root_ + "/below/inward");
    std::filesystem::create_symlink(outside_.File("secret.txt"), root_ + "/outward");
    std::filesystem::create_symlink("../secret.txt", root_ + "/upward");
    EXPECT_EQ(mkfifo((root_ + "/pipe").c_str(), 0600), 0);
  }

  static void Write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

  Process StartFiles() { return StartServer({FILES_SERVER, endpoint_, root_}); }

  Process Print(const std::vector<std::string>& paths, Transport transport) {
    std::vector<std::string> arguments = {FILES_CLIENT, Flag(transport), endpoint_};
    arguments.insert(arguments.end(), paths.begin(), paths.end());
    return Start(arguments);
  }

  const std::string endpoint_ = Endpoint("files");
  TempDir outside_;
  const std::string root_ = outside_.File("root");
};
INSTANTIATE_TEST_SUITE_P(All, FilesTest, BothTransports(), NameOfTransport);

TEST_P(FilesTest, FilesBelowTheRootComeOverSeqpacket) {
  const Process server = StartFiles();
  const Process client = Print({"hello.txt", "below/deep.txt", "below/../hello.txt", "below/inward"}, GetParam());
  if (GetParam() == Transport::kSeqpacket) {
    for (const char* line : {"hello", "deep", "hello", "hello"}) EXPECT_EQ(NextLine(client), line);
    EXPECT_EQ(client->Wait(kPatience), 0);
  } else {
    EXPECT_EQ(client->Wait(kPatience), 1);
  }
  Terminate(server);
}

TEST_P(FilesTest, NothingLeadsOutOfTheRoot) {
  const Process server = StartFiles();
  for (const std::string& path : {std::string("../secret.txt"), std::string("below/../../secret.txt"),
                                  std::string("outward"), std::string("upward"), outside_.File("secret.txt"),
                                  root_ + "/hello.txt", std::string("/proc/self/root/etc/passwd")}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(Print({path}, GetParam())->Wait(kPatience), 1);
  }
  Terminate(server);
}

TEST_P(FilesTest, WhatIsNoFileDoesNotCome) {
  const Process server = StartFiles();
  for (const std::string path : {"missing.txt", "below", "pipe", ".", ""}) {
    SCOPED_TRACE(path);
    EXPECT_EQ(Print({path}, GetParam())->Wait(kPatience), 1);
  }
  Terminate(server);
}

TEST_P(FilesTest, TheServerKeepsNoneOpen) {
  const Process server = StartFiles();
  const auto open_files = [&] {
    const std::string fds = absl::StrCat("/proc/", server->pid(), "/fd");
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(fds)) {
      std::error_code error;
      const std::filesystem::path target = std::filesystem::read_symlink(entry.path(), error);
      if (!error && target.string().find("hello.txt") != std::string::npos) ++count;
    }
    return count;
  };
  const std::vector<std::string> paths(50, "hello.txt");
  const Process client = Print(paths, GetParam());
  EXPECT_EQ(client->Wait(kPatience), GetParam() == Transport::kSeqpacket ? 0 : 1);
  EXPECT_EQ(open_files(), 0);
  Terminate(server);
}

}  // namespace
}  // namespace udsrpc::testing
