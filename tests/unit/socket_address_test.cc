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

TEST(SocketAddress, RefusesASeqpacketPathThatIsTooLongWithItsSuffix) {
  const Endpoint endpoint = *Endpoint::FromPath("/" + std::string(97, 'x'));
  EXPECT_TRUE(SocketAddress::Of(endpoint, SocketKind::kStream).ok());
  const absl::Status status = SocketAddress::Of(endpoint, SocketKind::kSeqpacket).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("use a path of at most 97"), absl::string_view::npos) << status;
}

}  // namespace
}  // namespace udsrpc
