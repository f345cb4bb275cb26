#include "common/src/socket/read_peer.h"

#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/src/socket/socket.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

using ::testing::ElementsAre;

TEST(ReadPeer, SaysWhoMadeThePair) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
  const UniqueFd one(fds[0]);
  const UniqueFd other(fds[1]);
  const auto peer = ReadPeer(one.get(), "unix:/s", Transport::kSeqpacket, /*with_pidfd=*/true);
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ((*peer)->pid(), getpid());
  EXPECT_EQ((*peer)->uid(), geteuid());
  EXPECT_EQ((*peer)->gid(), getegid());
  EXPECT_EQ((*peer)->endpoint(), "unix:/s");
  EXPECT_EQ((*peer)->transport(), Transport::kSeqpacket);
  EXPECT_TRUE((*peer)->IsInGroup(getegid()));
  EXPECT_FALSE((*peer)->IsInGroup(4242));
  const auto without = ReadPeer(one.get(), "", Transport::kGrpc, /*with_pidfd=*/false);
  ASSERT_TRUE(without.ok());
  EXPECT_EQ((*without)->pidfd(), -1);
}

TEST(ReadPeer, KnowsManyGroupsAndTheVeryProcess) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root, to have groups";
  const UniqueFd listener = *OpenSocket(SocketKind::kStream);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socklen_t size = sizeof(address);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  ASSERT_EQ(getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  ASSERT_EQ(listen(listener.get(), 1), 0);
  const pid_t child = fork();
  if (child == 0) {
    gid_t groups[100];
    for (int i = 0; i < 100; ++i) groups[i] = static_cast<gid_t>(5000 - i);
    if (setgroups(100, groups) != 0 || setgid(4001) != 0 || setuid(4002) != 0) _exit(1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    _exit(connect(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 ? 0 : 2);
  }
  siginfo_t ended{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &ended, WEXITED | WNOWAIT), 0);
  EXPECT_EQ(ended.si_status, 0);
  UniqueFd connection;
  ASSERT_EQ(AcceptConnection(listener.get(), connection).outcome, IoOutcome::kDone);
  const auto peer = ReadPeer(connection.get(), "", Transport::kGrpc, /*with_pidfd=*/true);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(peer.ok()) << peer.status();
  EXPECT_EQ((*peer)->pid(), child);
  EXPECT_EQ((*peer)->uid(), 4002U);
  EXPECT_EQ((*peer)->gid(), 4001U);
  EXPECT_EQ((*peer)->groups().size(), 100U);
  EXPECT_TRUE((*peer)->IsInGroup(4901));
  EXPECT_TRUE((*peer)->IsInGroup(5000));
  EXPECT_FALSE((*peer)->IsInGroup(4900));
}

TEST(SocketCookie, IsOfTheSocketAndNotOfItsNumber) {
  UniqueFd first = *OpenSocket(SocketKind::kStream);
  const uint64_t cookie = SocketCookie(first.get());
  EXPECT_NE(cookie, 0U);
  const UniqueFd again = DuplicateAbove(first.get(), 100);
  EXPECT_GE(again.get(), 100);
  EXPECT_EQ(SocketCookie(again.get()), cookie);
  const int number = first.get();
  first.reset();
  const UniqueFd second = *OpenSocket(SocketKind::kStream);
  EXPECT_EQ(second.get(), number);
  EXPECT_NE(SocketCookie(second.get()), cookie);
  EXPECT_EQ(SocketCookie(-1), 0U);
}

}  // namespace
}  // namespace udsrpc
