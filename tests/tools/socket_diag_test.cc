// What is made of the kernel's answers about sockets, well-formed and not.

#include "tools/socket_diag.h"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "gtest/gtest.h"
#include "tests/support/temp_dir.h"
#include "udsrpc/unique_fd.h"

namespace udsrpc::testing {
namespace {

using tools::ParseProcNetUnix;
using tools::ParseUnixDiag;
using tools::UnixSocket;

constexpr uint32_t kSequence = 7;

template <typename T>
std::string BytesOf(const T& value) {
  return std::string(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string PaddedToFour(std::string bytes) {
  bytes.resize((bytes.size() + 3) & ~size_t{3});
  return bytes;
}

std::string Attribute(uint16_t type, const std::string& value) {
  const nlattr header{.nla_len = static_cast<uint16_t>(sizeof(nlattr) + value.size()), .nla_type = type};
  return PaddedToFour(BytesOf(header) + value);
}

std::string NetlinkMessage(uint16_t type, const std::string& payload, uint32_t sequence = kSequence) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<uint32_t>(sizeof(header) + payload.size());
  header.nlmsg_type = type;
  header.nlmsg_seq = sequence;
  return PaddedToFour(BytesOf(header) + payload);
}

std::string SocketMessage(uint32_t inode, uint8_t type, uint8_t state, const std::string& attributes) {
  unix_diag_msg message{};
  message.udiag_family = AF_UNIX;
  message.udiag_type = type;
  message.udiag_state = state;
  message.udiag_ino = inode;
  return NetlinkMessage(SOCK_DIAG_BY_FAMILY, BytesOf(message) + attributes);
}

std::string ListenerMessage() {
  return SocketMessage(
      11, SOCK_SEQPACKET, 10,
      Attribute(UNIX_DIAG_NAME, std::string("/run/a.seqpacket\0", 17)) +
          Attribute(UNIX_DIAG_VFS, BytesOf(unix_diag_vfs{.udiag_vfs_ino = 5, .udiag_vfs_dev = 6})) +
          Attribute(UNIX_DIAG_ICONS, BytesOf(uint32_t{21}) + BytesOf(uint32_t{22})) +
          Attribute(UNIX_DIAG_RQLEN, BytesOf(unix_diag_rqlen{.udiag_rqueue = 2, .udiag_wqueue = 4096})) +
          Attribute(UNIX_DIAG_UID, BytesOf(uint32_t{1000})) + Attribute(UNIX_DIAG_SHUTDOWN, "\x01") +
          Attribute(999, "what a later kernel may add"));
}

absl::StatusOr<bool> Parse(const std::string& datagram, std::vector<UnixSocket>* sockets) {
  // In memory of its own size, so that the address sanitizer sees who reads beyond it.
  const std::vector<char> exact(datagram.begin(), datagram.end());
  return ParseUnixDiag(absl::string_view(exact.data(), exact.size()), kSequence, sockets);
}

TEST(SocketDiagTest, AListenerIsReadWithAllThatItHas) {
  std::vector<UnixSocket> sockets;
  const absl::StatusOr<bool> done = Parse(ListenerMessage(), &sockets);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_FALSE(*done);
  ASSERT_EQ(sockets.size(), 1u);
  const UnixSocket& socket = sockets[0];
  EXPECT_EQ(socket.inode, 11u);
  EXPECT_EQ(socket.type, SOCK_SEQPACKET);
  EXPECT_EQ(socket.state, UnixSocket::State::kListening);
  EXPECT_EQ(socket.name, "/run/a.seqpacket");
  EXPECT_EQ(socket.file, (UnixSocket::File{.device = 6, .inode = 5}));
  EXPECT_EQ(socket.waiting, (std::vector<uint32_t>{21, 22}));
  EXPECT_EQ(socket.receive_queue, 2u);
  EXPECT_EQ(socket.send_queue, 4096u);
  EXPECT_EQ(socket.uid, 1000u);
}

TEST(SocketDiagTest, AConnectedOneHasItsPeerAndAnAbstractNameKeepsItsZeros) {
  std::vector<UnixSocket> sockets;
  const std::string name("\0a\0b", 4);
  const std::string datagram =
      SocketMessage(12, SOCK_STREAM, 1,
                    Attribute(UNIX_DIAG_NAME, name) + Attribute(UNIX_DIAG_PEER, BytesOf(uint32_t{13}))) +
      SocketMessage(0, SOCK_STREAM, 1, "") + NetlinkMessage(NLMSG_DONE, BytesOf(int32_t{0}));
  const absl::StatusOr<bool> done = Parse(datagram, &sockets);
  ASSERT_TRUE(done.ok()) << done.status();
  EXPECT_TRUE(*done);
  ASSERT_EQ(sockets.size(), 1u) << "one that nobody has yet is left out";
  EXPECT_EQ(sockets[0].name, name);
  EXPECT_EQ(sockets[0].peer, 13u);
  EXPECT_EQ(sockets[0].state, UnixSocket::State::kConnected);
  EXPECT_FALSE(sockets[0].file.has_value());
}

TEST(SocketDiagTest, AnswersToOthersAreSkipped) {
  std::vector<UnixSocket> sockets;
  const absl::StatusOr<bool> done = Parse(NetlinkMessage(NLMSG_DONE, BytesOf(int32_t{0}), kSequence + 1), &sockets);
  ASSERT_TRUE(done.ok());
  EXPECT_FALSE(*done);
}

TEST(SocketDiagTest, AKernelWithoutItSaysSo) {
  std::vector<UnixSocket> sockets;
  EXPECT_TRUE(absl::IsUnimplemented(Parse(NetlinkMessage(NLMSG_ERROR, BytesOf(int32_t{-ENOENT})), &sockets).status()));
  EXPECT_TRUE(absl::IsInternal(Parse(NetlinkMessage(NLMSG_ERROR, BytesOf(int32_t{-EPERM})), &sockets).status()));
  EXPECT_TRUE(absl::IsInternal(Parse(NetlinkMessage(NLMSG_ERROR, BytesOf(INT32_MIN)), &sockets).status()));
  EXPECT_TRUE(absl::IsInternal(Parse(NetlinkMessage(NLMSG_ERROR, ""), &sockets).status()));
}

TEST(SocketDiagTest, WhatIsCutOffAnywhereIsAnErrorAndNothingIsReadBehindIt) {
  const std::string whole = ListenerMessage();
  for (size_t size = 1; size < whole.size(); ++size) {
    std::vector<UnixSocket> sockets;
    EXPECT_FALSE(Parse(whole.substr(0, size), &sockets).ok()) << size;
    EXPECT_TRUE(sockets.empty()) << size;
  }
}

TEST(SocketDiagTest, NoByteOfAMessageCanMakeItReadElsewhere) {
  const std::string whole = ListenerMessage();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int value : {0, 1, 0x7f, 0x80, 0xff}) {
      std::string broken = whole;
      broken[at] = static_cast<char>(value);
      std::vector<UnixSocket> sockets;
      const absl::StatusOr<bool> done = Parse(broken, &sockets);  // the sanitizers watch
      EXPECT_TRUE(!done.ok() || sockets.size() <= 1);
    }
  }
}

TEST(SocketDiagTest, ValuesOfTheWrongSizeAreErrors) {
  for (const uint16_t type : {UNIX_DIAG_VFS, UNIX_DIAG_PEER, UNIX_DIAG_ICONS, UNIX_DIAG_RQLEN, UNIX_DIAG_UID}) {
    std::vector<UnixSocket> sockets;
    EXPECT_FALSE(Parse(SocketMessage(1, SOCK_STREAM, 1, Attribute(type, "abc")), &sockets).ok()) << type;
  }
}

TEST(SocketDiagTest, ProcNetUnixIsReadLineByLine) {
  const std::vector<UnixSocket> sockets = ParseProcNetUnix(
      "Num       RefCount Protocol Flags    Type St Inode Path\n"
      "00000000f74cb09a: 00000002 00000000 00010000 0005 01 81294 /run/with space.seqpacket\n"
      "00000000c3b53689: 00000003 00000000 00000000 0001 03  1073\n"
      "00000000135fde74: 00000003 00000000 00000000 0001 03     0\n"
      "00000000651d3d74: 00000002 00000000 00010000 0001 01 81292 @name\n"
      "half of a path with a newline\n"
      "00000000651d3d74: 00000002 0000000");
  ASSERT_EQ(sockets.size(), 3u);
  EXPECT_EQ(sockets[0].name, "/run/with space.seqpacket");
  EXPECT_EQ(sockets[0].state, UnixSocket::State::kListening);
  EXPECT_EQ(sockets[0].type, SOCK_SEQPACKET);
  EXPECT_EQ(sockets[1].inode, 1073u);
  EXPECT_EQ(sockets[1].name, "");
  EXPECT_EQ(sockets[1].state, UnixSocket::State::kConnected);
  EXPECT_EQ(sockets[2].name, std::string("\0name", 5));
}

TEST(SocketDiagTest, TheKernelTellsOfASocketOfThisProcess) {
  const TempDir dir;
  const UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string path = dir.File("s");
  std::copy(path.begin(), path.end(), address.sun_path);
  ASSERT_EQ(bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(listen(listener.get(), 9), 0);
  const UniqueFd client(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  ASSERT_EQ(connect(client.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);

  const auto of_path = [&path](const std::vector<UnixSocket>& sockets) {
    return std::find_if(sockets.begin(), sockets.end(), [&path](const UnixSocket& socket) {
      return socket.name == path && socket.state == UnixSocket::State::kListening;
    });
  };
  const absl::StatusOr<std::vector<UnixSocket>> from_proc = tools::ReadProcNetUnix("/proc/net/unix");
  ASSERT_TRUE(from_proc.ok()) << from_proc.status();
  ASSERT_NE(of_path(*from_proc), from_proc->end());
  EXPECT_EQ(of_path(*from_proc)->type, SOCK_SEQPACKET);

  const absl::StatusOr<std::vector<UnixSocket>> sockets = tools::ReadUnixDiag();
  if (absl::IsUnimplemented(sockets.status())) GTEST_SKIP() << sockets.status();
  ASSERT_TRUE(sockets.ok()) << sockets.status();
  const auto found = of_path(*sockets);
  ASSERT_NE(found, sockets->end());
  EXPECT_EQ(found->inode, of_path(*from_proc)->inode);
  EXPECT_EQ(found->waiting.size(), 1u);
  EXPECT_EQ(found->receive_queue, 1u);
  EXPECT_EQ(found->send_queue, 9u);
  EXPECT_EQ(found->uid, geteuid());
}

}  // namespace
}  // namespace udsrpc::testing
