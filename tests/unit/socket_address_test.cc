#include "common/src/socket/socket_address.h"

#include <cstddef>
#include <string>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

std::string SunPath(const SocketAddress& address) {
  const auto* const unix_address = reinterpret_cast<const sockaddr_un*>(address.get());
  return std::string(unix_address->sun_path, address.size() - offsetof(sockaddr_un, sun_path));
}

TEST(SocketAddress, GivesAPathTwoFilesAndEndsThemWithNul) {
  const Endpoint endpoint = *Endpoint::Parse("unix:/run/x");
  EXPECT_EQ(SunPath(*SocketAddress::Of(endpoint, SocketKind::kStream)), std::string("/run/x\0", 7));
  EXPECT_EQ(SunPath(*SocketAddress::Of(endpoint, SocketKind::kSeqpacket)), std::string("/run/x.seqpacket\0", 17));
}

TEST(SocketAddress, GivesAnAbstractNameOneAddressOfExactLength) {
  const Endpoint endpoint = *Endpoint::Parse("unix-abstract:a%00b");
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kSeqpacket}) {
    EXPECT_EQ(SunPath(*SocketAddress::Of(endpoint, kind)), std::string("\0a\0b", 4));
  }
  EXPECT_EQ(SocketAddress::Of(endpoint, SocketKind::kStream)->ToString(), "@a\\x00\\x62");
}

TEST(SocketAddress, TakesTheLongestNameWhole) {
  const Endpoint endpoint = *Endpoint::FromAbstractName(std::string(107, 'x'));
  EXPECT_EQ(SunPath(*SocketAddress::Of(endpoint, SocketKind::kSeqpacket)), '\0' + std::string(107, 'x'));
}

TEST(SocketAddress, GoesByTheDirectoryOfALongPath) {
  const std::string directory = "/" + std::string(200, 'd');
  const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(directory + "/s"), SocketKind::kSeqpacket);
  EXPECT_TRUE(address.is_long());
  EXPECT_EQ(address.directory(), directory);
  EXPECT_EQ(address.file_name(), "s.seqpacket");
  EXPECT_EQ(SunPath(address.InDirectory(7)), std::string("/proc/self/fd/7/s.seqpacket\0", 28));
}

TEST(SocketAddress, HasRoomForTheLongestNameOfALongPathAndTheLargestDescriptor) {
  const std::string name(kMaxNameOfLongPathBytes, 'n');
  const Endpoint endpoint = *Endpoint::FromPath("/" + std::string(100, 'd') + "/" + name);
  const SocketAddress address = SocketAddress::Of(endpoint, SocketKind::kStream)->InDirectory(2147483647);
  EXPECT_EQ(SunPath(address), "/proc/self/fd/2147483647/" + name + '\0');
  EXPECT_EQ(address.size(), sizeof(sockaddr_un));
}

TEST(SocketAddress, KnowsDirectoryAndNameOfAPath) {
  const struct {
    std::string path;
    std::string directory;
    std::string name;
  } cases[] = {{"s", ".", "s"}, {"/s", "/", "s"}, {"d/s", "d", "s"}, {"/a/b/s", "/a/b", "s"}, {"//s", "/", "s"}};
  for (const auto& c : cases) {
    const SocketAddress address = *SocketAddress::Of(*Endpoint::FromPath(c.path), SocketKind::kStream);
    EXPECT_FALSE(address.is_long());
    EXPECT_EQ(address.directory(), c.directory) << c.path;
    EXPECT_EQ(address.file_name(), c.name) << c.path;
  }
}

TEST(SocketAddress, RefusesASeqpacketPathThatIsTooLongWithItsSuffix) {
  for (const std::string& path :
       {"/" + std::string(97, 'x'), "/" + std::string(200, 'd') + "/" + std::string(73, 'x')}) {
    const Endpoint endpoint = *Endpoint::FromPath(path);
    EXPECT_TRUE(SocketAddress::Of(endpoint, SocketKind::kStream).ok());
    const absl::Status status = SocketAddress::Of(endpoint, SocketKind::kSeqpacket).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(status.message().find(path + ".seqpacket, which has"), absl::string_view::npos) << status;
  }
}

}  // namespace
}  // namespace udsrpc
