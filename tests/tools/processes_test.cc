// What is read of /proc, here one that the test makes.

#include "tools/processes.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "tests/support/child_process.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

class ProcessesTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(proc_.File(name)).parent_path());
    std::ofstream(proc_.File(name)) << text;
  }
  void Link(const std::string& name, const std::string& target) {
    std::filesystem::create_directories(std::filesystem::path(proc_.File(name)).parent_path());
    std::filesystem::create_symlink(target, proc_.File(name));
  }
  // Its inode, as the kernel tells it of the socket.
  uint32_t BindSocket(const std::string& path) {
    const UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    struct stat file {};
    EXPECT_EQ(stat(path.c_str(), &file), 0);
    return static_cast<uint32_t>(file.st_ino);
  }

  TempDir proc_;
  TempDir files_;
};

TEST_F(ProcessesTest, AProcessIsReadWithItsSocketsAndItsUser) {
  Write("12/comm", "a (name)\n");
  Write("12/cmdline", std::string("./a\0--b\0c d\0", 12));
  Write("12/status", "Name:\ta\nUid:\t1\t22\t3\t4\nGid:\t0\t0\t0\t0\n");
  Link("12/fd/0", "/dev/null");
  Link("12/fd/4", "socket:[77]");
  Link("12/fd/5", "socket:[66]");
  Link("12/fd/6", "socket:[77]");
  Link("12/fd/7", "socket:[99999999999]");
  Link("12/fd/8", "socket:[]");
  Link("self/ns/net", "net:[1]");
  Link("12/ns/net", "net:[2]");
  Write("13/comm", "ended, all but for its directory\n");
  Write("uptime", "1 1");
  const std::vector<tools::Process> processes = tools::ReadProcesses(proc_.path());
  ASSERT_EQ(processes.size(), 2u);
  EXPECT_EQ(processes[0].pid, 12);
  EXPECT_EQ(processes[0].uid, 22u);
  EXPECT_EQ(processes[0].name, "a (name)");
  EXPECT_EQ(processes[0].command_line, "./a --b c d");
  EXPECT_EQ(processes[0].sockets, (std::vector<uint32_t>{66, 77}));
  EXPECT_TRUE(processes[0].readable);
  EXPECT_EQ(processes[0].network, 2u);
  EXPECT_EQ(tools::OwnNetwork(proc_.path()), 1u);
  EXPECT_TRUE(processes[1].sockets.empty());
  EXPECT_TRUE(processes[1].readable) << "it was there and has ended: nothing is hidden";
  EXPECT_EQ(processes[1].network, 0u);
}

TEST_F(ProcessesTest, ThisProcessIsAmongTheHosts) {
  const UniqueFd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct stat file {};
  ASSERT_EQ(fstat(socket.get(), &file), 0);
  const std::vector<tools::Process> processes = tools::ReadProcesses("/proc");
  const auto self = std::find_if(processes.begin(), processes.end(),
                                 [](const tools::Process& process) { return process.pid == getpid(); });
  ASSERT_NE(self, processes.end());
  EXPECT_EQ(self->uid, geteuid());
  EXPECT_NE(self->network, 0u);
  EXPECT_EQ(self->network, tools::OwnNetwork("/proc"));
  EXPECT_TRUE(std::binary_search(self->sockets.begin(), self->sockets.end(), static_cast<uint32_t>(file.st_ino)));
}

TEST_F(ProcessesTest, PathsAreResolvedWhereTheirFileIs) {
  const std::string directory = files_.File("long");
  std::filesystem::create_directories(directory);
  const uint32_t inode = BindSocket(directory + "/s");
  Link("12/root", "/");
  Link("12/cwd", directory);
  Link("12/fd/3", "/");
  Link("12/fd/5", directory);
  const auto resolve = [this, inode](const std::string& name) {
    return tools::ResolvePath(proc_.path(), 12, name, inode);
  };
  EXPECT_EQ(resolve("/proc/self/fd/5/s"), directory + "/s");
  EXPECT_EQ(resolve("/proc/self/fd/3/s"), directory + "/s") << "given away, its directory has another number";
  EXPECT_EQ(resolve("/proc/self/fd/2147483647/s"), directory + "/s");
  EXPECT_EQ(resolve("s"), directory + "/s");
  EXPECT_EQ(resolve("./s"), directory + "/s");
  for (const char* unknown : {"t", "/proc/self/fd/5/t", "/proc/self/fd/x/s", "/proc/self/fd/-1/s", "/elsewhere"}) {
    EXPECT_EQ(resolve(unknown), unknown);
  }
  EXPECT_EQ(tools::ResolvePath(proc_.path(), 12, "s", inode + 1), "s") << "another file is there by now";
  EXPECT_EQ(tools::ResolvePath(proc_.path(), 13, "s", inode), "s");
}

TEST_F(ProcessesTest, AFileIsMissingOnlyWhereThatIsKnown) {
  const std::string path = files_.File("s");
  Link("self/ns/mnt", "mnt:[1]");
  Link("self/root", "/");
  Link("12/ns/mnt", "mnt:[1]");
  Link("12/root", "/");
  Link("13/ns/mnt", "mnt:[2]");
  Link("13/root", "/");
  EXPECT_TRUE(tools::IsMissing(proc_.path(), 12, path));
  EXPECT_FALSE(tools::IsMissing(proc_.path(), 13, path)) << "in another mount namespace";
  EXPECT_FALSE(tools::IsMissing(proc_.path(), 14, path)) << "which cannot be seen";
  BindSocket(path);
  EXPECT_FALSE(tools::IsMissing(proc_.path(), 12, path));
}

TEST_F(ProcessesTest, CpuTimeIsThatOfOneProcess) {
  ChildProcess child({"cat"});
  const std::optional<absl::Duration> of_child = tools::CpuTime(child.pid());
  ASSERT_TRUE(of_child.has_value());
  const std::optional<absl::Duration> own = tools::CpuTime(getpid());
  ASSERT_TRUE(own.has_value());
  EXPECT_GT(*own, absl::ZeroDuration());
  child.CloseInput();
  ASSERT_EQ(child.Wait(), 0);
  EXPECT_FALSE(tools::CpuTime(child.pid()).has_value());
}

}  // namespace
}  // namespace udsrpc::testing
