#include "server/src/admission.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

constexpr uid_t kStranger = 4242;

bool Admits(const Admission& admission, uid_t uid, gid_t gid, std::vector<gid_t> groups = {}) {
  return admission.Admits(
      Peer("unix:/s", "", Transport::kGrpc, 1, {.uid = uid, .gid = gid, .groups = std::move(groups)}, "", -1));
}

TEST(Admission, IsForEverybodyUnlessSomebodyIsNamed) {
  EXPECT_TRUE(Admits(Admission(), kStranger, 1));
  EXPECT_FALSE(Admits(Admission::For({}, {}), kStranger, 1));
}

TEST(Admission, IsForTheProcesssUserAndRootInAnyCase) {
  EXPECT_TRUE(Admits(Admission::For({}, {}), 0, 1));
  EXPECT_TRUE(Admits(Admission::For({}, {}), geteuid(), 1));
}

TEST(Admission, IsForNamedUsersAndGroups) {
  const Admission admission = Admission::For({7, 3, 5}, {30, 20});
  for (const uid_t uid : {3, 5, 7}) EXPECT_TRUE(Admits(admission, uid, 1)) << uid;
  EXPECT_FALSE(Admits(admission, kStranger, 3));
  EXPECT_TRUE(Admits(admission, kStranger, 20));
  EXPECT_TRUE(Admits(admission, kStranger, 1, {2, 30, 40}));
  EXPECT_FALSE(Admits(admission, kStranger, 1, {2, 3, 40}));
}

TEST(Admission, OfWhomIsNamedARemoteCallerIsNone) {
  const Peer remote("ipv4:192.0.2.1:1", Peer::Remote{.authenticated = true, .names = {"root"}});
  EXPECT_TRUE(Admission().Admits(remote));
  EXPECT_FALSE(Admission::For({}, {}).Admits(remote));
  EXPECT_FALSE(Admission::For({0, geteuid(), Peer::kNoUid}, {0, Peer::kNoGid}).Admits(remote));
  EXPECT_NE(Admission::Refusal(remote).find("not for remote callers, such as ipv4:192.0.2.1:1"), std::string::npos);
}

}  // namespace
}  // namespace udsrpc
