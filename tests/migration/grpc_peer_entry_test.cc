#include "server/src/grpc_peer_entry.h"

#include <string>
#include <thread>
#include <vector>

#include "client/src/thread_stack.h"
#include "gtest/gtest.h"

namespace udsrpc {
namespace {

constexpr char kToken[] = "0123abcd";

TEST(GrpcPeerEntryTest, ComesBackAsItWas) {
  const Peer peer("unix:/a,b \xff", "", Transport::kSeqpacket, 1, {.uid = 2, .gid = 4294967294u, .groups = {4, 5}}, "",
                  -1);
  const std::optional<GrpcPeer> read = ReadGrpcPeerEntry(kToken, MakeGrpcPeerEntry(kToken, peer));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->endpoint, "unix:/a,b \xff");
  EXPECT_EQ(read->transport, Transport::kSeqpacket);
  EXPECT_EQ(read->pid, 1);
  EXPECT_EQ(read->uid, 2u);
  EXPECT_EQ(read->gid, 4294967294u);
  EXPECT_EQ(read->groups, (std::vector<gid_t>{4, 5}));
  EXPECT_FALSE(read->remote.has_value());
}

TEST(GrpcPeerEntryTest, RemoteCallerComesBackAsOne) {
  const std::vector<std::string> names = {"a.example", "b, \xff\n"};
  const std::optional<GrpcPeer> proved = ReadGrpcPeerEntry(
      kToken, MakeGrpcPeerEntry(kToken, Peer("ipv4:127.0.0.1:5", Peer::Remote{.authenticated = true, .names = names})));
  ASSERT_TRUE(proved.has_value());
  ASSERT_TRUE(proved->remote.has_value());
  EXPECT_TRUE(proved->remote->authenticated);
  EXPECT_EQ(proved->remote->names, names);
  EXPECT_EQ(proved->pid, 0);
  EXPECT_EQ(proved->uid, Peer::kNoUid);
  EXPECT_EQ(proved->gid, Peer::kNoGid);
  const std::optional<GrpcPeer> anybody =
      ReadGrpcPeerEntry(kToken, MakeGrpcPeerEntry(kToken, Peer("ipv4:127.0.0.1:5", Peer::Remote())));
  ASSERT_TRUE(anybody.has_value());
  ASSERT_TRUE(anybody->remote.has_value());
  EXPECT_FALSE(anybody->remote->authenticated);
  EXPECT_TRUE(anybody->remote->names.empty());
}

TEST(GrpcPeerEntryTest, OfAnotherTokenOrOfNoneIsNobody) {
  const std::string entry = MakeGrpcPeerEntry(kToken, Peer());
  EXPECT_TRUE(ReadGrpcPeerEntry(kToken, entry).has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry("0123abce", entry).has_value());
  for (size_t size = 0; size + 1 < entry.size(); ++size) {
    EXPECT_FALSE(ReadGrpcPeerEntry(kToken, entry.substr(0, size)).has_value()) << size;
  }
  EXPECT_TRUE(ReadGrpcPeerEntry(kToken, "0123abcd,0,0,0,0,1,local,,").has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry(kToken, "0123abcd,0,x,0,0,,local,,").has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry(kToken, "0123abcd,0,0,0,0,1 x,local,,").has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry(kToken, "0123abcd,0,0,0,0,1,elsewhere,,").has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry(kToken, "0123abcd,0,0,0,0,1,local,YQ,").has_value());
  EXPECT_FALSE(ReadGrpcPeerEntry(kToken, "0123abcd,0,0,0,0,1,remote,!,").has_value());
}

TEST(ThreadStackTest, KnowsItsOwnVariablesOnly) {
  const int local = 0;
  const std::vector<int> heap(1);
  static const int global = 0;
  EXPECT_TRUE(IsOnThisThreadsStack(&local));
  EXPECT_FALSE(IsOnThisThreadsStack(heap.data()));
  EXPECT_FALSE(IsOnThisThreadsStack(&global));
  std::thread([&local] {
    const int own = 0;
    EXPECT_TRUE(IsOnThisThreadsStack(&own));
    EXPECT_FALSE(IsOnThisThreadsStack(&local));
  }).join();
}

}  // namespace
}  // namespace udsrpc
