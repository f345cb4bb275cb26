// examples/chat: what members hear of each other, and what they do not have to wait for.

#include <signal.h>

#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/examples/example_programs.h"

namespace udsrpc::testing {
namespace {

class ChatTest : public ExampleTest {
 protected:
  Process StartChat() { return StartServer({CHAT_SERVER, endpoint_}); }

  Process StartClient(const std::string& name, Transport transport) {
    return Start({CHAT_CLIENT, Flag(transport), endpoint_, name});
  }

  // Returns when it, and everybody who is there, has heard that it is there.
  Process Join(const std::string& name, Transport transport, const std::vector<const Process*>& others) {
    Process client = StartClient(name, transport);
    ExpectHeard(absl::StrCat("* ", name, " has joined"), {&client});
    ExpectHeard(absl::StrCat("* ", name, " has joined"), others);
    return client;
  }
  Process Join(const std::string& name, const std::vector<const Process*>& others = {}) {
    return Join(name, GetParam(), others);
  }

  static void ExpectHeard(const std::string& line, const std::vector<const Process*>& members) {
    for (const Process* member : members) EXPECT_EQ(NextLine(*member), line);
  }

  static void ExpectLeavesWell(const Process& client) {
    client->CloseInput();
    EXPECT_EQ(client->Wait(kPatience), 0);
  }

  const std::string endpoint_ = Endpoint("chat");
};
INSTANTIATE_TEST_SUITE_P(All, ChatTest, BothTransports(), NameOfTransport);

TEST_P(ChatTest, WhatOneSaysAllOthersHear) {
  const Process server = StartChat();
  const Process alice = Join("alice");
  const Process bob = Join("bob", {&alice});
  const Process carol = Join("carol", {&alice, &bob});
  EXPECT_TRUE(alice->WriteLine("hello"));
  ExpectHeard("alice: hello", {&bob, &carol});
  EXPECT_TRUE(bob->WriteLine("hello, alice"));
  ExpectHeard("bob: hello, alice", {&alice, &carol});
  ExpectLeavesWell(alice);
  ExpectHeard("* alice has left", {&bob, &carol});
  ExpectLeavesWell(bob);
  ExpectHeard("* bob has left", {&carol});
  ExpectLeavesWell(carol);
  Terminate(server);
}

TEST_P(ChatTest, BothTransportsMeetInOneRoom) {
  const Transport other = GetParam() == Transport::kGrpc ? Transport::kSeqpacket : Transport::kGrpc;
  const Process server = StartChat();
  const Process here = Join("here");
  const Process there = Join("there", other, {&here});
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(here->WriteLine(absl::StrCat(i)));
    EXPECT_TRUE(there->WriteLine(absl::StrCat(i)));
  }
  for (int i = 0; i < 100; ++i) {
    ExpectHeard(absl::StrCat("here: ", i), {&there});
    ExpectHeard(absl::StrCat("there: ", i), {&here});
  }
  ExpectLeavesWell(here);
  ExpectLeavesWell(there);
  Terminate(server);
}

TEST_P(ChatTest, TheOthersGoOnWithoutOneThatIsKilled) {
  const Process server = StartChat();
  const Process alice = Join("alice");
  const Process bob = Join("bob", {&alice});
  for (int round = 0; round < 3; ++round) {
    const Process carol = Join("carol", {&alice, &bob});
    carol->Kill(SIGKILL);
    EXPECT_EQ(carol->Wait(kPatience), -SIGKILL);
    ExpectHeard("* carol has left", {&alice, &bob});
    EXPECT_TRUE(alice->WriteLine("still there?"));
    ExpectHeard("alice: still there?", {&bob});
  }
  ExpectLeavesWell(alice);
  ExpectLeavesWell(bob);
  Terminate(server);
}

TEST_P(ChatTest, ManyMembersShareTheServersFewThreads) {
  constexpr int kMembers = 20;
  const Process server = StartChat();
  std::vector<Process> members;
  for (int i = 0; i < kMembers; ++i) {
    std::vector<const Process*> others;
    for (const Process& member : members) others.push_back(&member);
    members.push_back(Join(absl::StrCat("m", i), others));
  }
  EXPECT_TRUE(members.front()->WriteLine("hello"));
  for (int i = 1; i < kMembers; ++i) ExpectHeard("m0: hello", {&members[i]});
  Terminate(server);
  for (const Process& member : members) EXPECT_EQ(member->Wait(kPatience), 1);
}

TEST_P(ChatTest, ASlowMemberMissesTheOldestAndHoldsUpNobody) {
  constexpr int kLines = 4000;  // more than all buffers on the way hold
  const std::string padding(1000, '.');
  const Process server = StartChat();
  const Process speaker = Join("speaker");
  const Process listener = Join("listener", {&speaker});
  const Process slow = Join("slow", {&speaker, &listener});
  slow->Kill(SIGSTOP);
  for (int i = 0; i < kLines; ++i) {
    const std::string line = absl::StrCat(i, padding);
    ASSERT_TRUE(speaker->WriteLine(line));
    ASSERT_EQ(NextLine(listener), absl::StrCat("speaker: ", line));
  }
  slow->Kill(SIGCONT);
  int heard = 0;
  int missed = 0;
  while (heard + missed < kLines) {
    const std::string line = NextLine(slow);
    absl::string_view rest = line;
    if (absl::ConsumePrefix(&rest, "speaker: ")) {
      ASSERT_EQ(rest, absl::StrCat(heard + missed, padding));
      ++heard;
      continue;
    }
    int more = 0;
    ASSERT_TRUE(absl::ConsumePrefix(&rest, "* ") && absl::ConsumeSuffix(&rest, " missed: this client was too slow") &&
                absl::SimpleAtoi(rest, &more))
        << line;
    missed += more;
  }
  EXPECT_GT(missed, 0);
  EXPECT_GE(heard, 100);
  ExpectLeavesWell(slow);
  ExpectHeard("* slow has left", {&speaker, &listener});
  ExpectLeavesWell(speaker);
  ExpectLeavesWell(listener);
  Terminate(server);
}

TEST_P(ChatTest, TheServersEndIsEverybodysEvenOfOneThatHasStopped) {
  const Process server = StartChat();
  const Process alice = Join("alice");
  const Process stopped = Join("stopped", {&alice});
  stopped->Kill(SIGSTOP);
  Terminate(server);
  EXPECT_EQ(alice->Wait(kPatience), 1);
  stopped->Kill(SIGCONT);
  EXPECT_EQ(stopped->Wait(kPatience), 1);
}

TEST_P(ChatTest, ANameIsTakenOnceAtATime) {
  const Process server = StartChat();
  const Process alice = Join("alice");
  EXPECT_EQ(StartClient("alice", GetParam())->Wait(kPatience), 1);
  EXPECT_EQ(StartClient("", GetParam())->Wait(kPatience), 1);
  ExpectLeavesWell(alice);
  ExpectLeavesWell(Join("alice"));
  Terminate(server);
}

TEST_P(ChatTest, AClientWithoutAServerEndsAtOnce) { EXPECT_EQ(StartClient("alice", GetParam())->Wait(kPatience), 1); }

}  // namespace
}  // namespace udsrpc::testing
