#ifndef UDSRPC_TESTS_SUPPORT_OPEN_FILES_H_
#define UDSRPC_TESTS_SUPPORT_OPEN_FILES_H_

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/event.h"
#include "udsrpc/unique_fd.h"

// Descriptors for tests to send, and what has become of them.

namespace udsrpc::testing {

// A file with that text in it.
inline UniqueFd FileOf(const std::string& text) {
  UniqueFd file(memfd_create("udsrpc-test", MFD_CLOEXEC));
  EXPECT_TRUE(file.valid());
  EXPECT_EQ(pwrite(file.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  return file;
}

inline std::vector<UniqueFd> FilesOf(const std::string& text, int count) {
  std::vector<UniqueFd> files;
  for (int i = 0; i < count; ++i) files.push_back(FileOf(absl::StrCat(text, i)));
  return files;
}

// The text of such files, one behind the other, "|" between them. Each is to be close-on-exec.
inline std::string TextOf(const std::vector<UniqueFd>& files) {
  std::string all;
  for (const UniqueFd& file : files) {
    EXPECT_EQ(fcntl(file.get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    char text[100];
    const ssize_t size = pread(file.get(), text, sizeof(text), 0);
    EXPECT_GE(size, 0);
    absl::StrAppend(&all, all.empty() ? "" : "|", std::string(text, size > 0 ? static_cast<size_t>(size) : 0));
  }
  return all;
}

// How many of them are open in this process.
inline int OpenFiles() {
  int open = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    const std::string target = std::filesystem::read_symlink(entry.path(), error).string();
    if (target.find("memfd:udsrpc-test") != std::string::npos) ++open;
  }
  return open;
}

// Waits until it is so many. What a call has left is closed behind its end, by whoever lets go of it last.
inline bool OpenFilesBecome(int count) {
  const absl::Time give_up = absl::Now() + kPatience;
  while (OpenFiles() != count && absl::Now() < give_up) std::this_thread::yield();
  return OpenFiles() == count;
}

// The writing end of a pipe, for somebody to have, and the word that nobody has it any more.
class Witness {
 public:
  Witness() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    read_ = UniqueFd(ends[0]);
    write_ = UniqueFd(ends[1]);
  }
  UniqueFd Give() { return std::move(write_); }
  bool ClosedEverywhere() const {
    pollfd end{.fd = read_.get(), .events = POLLIN, .revents = 0};
    return poll(&end, 1, static_cast<int>(absl::ToInt64Milliseconds(kPatience))) == 1 && (end.revents & POLLHUP) != 0;
  }

 private:
  UniqueFd read_;
  UniqueFd write_;
};

}  // namespace udsrpc::testing

#endif  // UDSRPC_TESTS_SUPPORT_OPEN_FILES_H_
