#include "common/src/stream/fd_receiver.h"

#include <fcntl.h>
#include <unistd.h>

#include <memory>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace udsrpc {
namespace {

class FdReceiverTest : public ::testing::Test {
 protected:
  // A packet comes with so many; they are numbers_ from then on.
  void Receive(size_t count, bool cut = false) {
    PacketFds& packet = receiver_->packet();
    numbers_.clear();
    for (size_t i = 0; i < count; ++i) {
      packet.fds.emplace_back(dup(0));
      numbers_.push_back(packet.fds.back().get());
    }
    packet.cut = cut;
  }

  // How many of them are open.
  size_t Open() const {
    size_t open = 0;
    for (const int number : numbers_) open += fcntl(number, F_GETFD) >= 0 ? 1 : 0;
    return open;
  }

  static std::vector<int> NumbersOf(const std::vector<UniqueFd>& fds) {
    std::vector<int> numbers;
    for (const UniqueFd& fd : fds) numbers.push_back(fd.get());
    return numbers;
  }

  const std::unique_ptr<FdReceiver> receiver_ = FdReceiver::Make(3, 5);
  std::vector<int> numbers_;
};

TEST_F(FdReceiverTest, ThereIsNoneWhereNoneAreAccepted) {
  EXPECT_EQ(FdReceiver::Make(0, 5), nullptr);
  EXPECT_EQ(FdReceiver::Announced(0), 0);
  EXPECT_EQ(FdReceiver::Announced(253), 253);
  EXPECT_EQ(FdReceiver::Announced(1000), 253);
  MessageFds fds;
  EXPECT_TRUE(ClaimFds(nullptr, std::nullopt, fds).ok());
  EXPECT_FALSE(ClaimFds(nullptr, 1, fds).ok());
  EXPECT_FALSE(ClaimFds(nullptr, 0, fds).ok());
}

TEST_F(FdReceiverTest, EachFrameGetsItsOwnInOrder) {
  Receive(3);
  MessageFds first;
  MessageFds second;
  ASSERT_TRUE(ClaimFds(receiver_.get(), 1, first).ok());
  ASSERT_TRUE(ClaimFds(receiver_.get(), std::nullopt, second).ok());
  ASSERT_TRUE(ClaimFds(receiver_.get(), 2, second).ok());
  EXPECT_TRUE(receiver_->EndPacket().ok());
  EXPECT_EQ(NumbersOf(first.fds.Take()), std::vector<int>({numbers_[0]}));
  EXPECT_EQ(NumbersOf(second.fds.Take()), std::vector<int>({numbers_[1], numbers_[2]}));
  EXPECT_EQ(Open(), 0U);
}

TEST_F(FdReceiverTest, APacketHasWhatItsFramesSay) {
  Receive(1);
  {
    MessageFds fds;
    EXPECT_EQ(receiver_->Claim(2, fds).code(), absl::StatusCode::kInvalidArgument);
  }
  Receive(2);
  {
    MessageFds fds;
    EXPECT_TRUE(receiver_->Claim(1, fds).ok());
    EXPECT_EQ(receiver_->EndPacket().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Open(), 1U);
  receiver_->packet();
  EXPECT_EQ(Open(), 0U);
  Receive(4);
  MessageFds fds;
  EXPECT_EQ(receiver_->Claim(4, fds).code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(FdReceiverTest, ThoseThatTheSenderHasLostAreACallError) {
  Receive(0);
  MessageFds fds;
  ASSERT_TRUE(receiver_->Claim(0, fds).ok());
  EXPECT_EQ(fds.lost.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(receiver_->EndPacket().ok());
}

TEST_F(FdReceiverTest, OfACutPacketTheFirstFramesGetTheirs) {
  Receive(3, /*cut=*/true);
  MessageFds first;
  MessageFds second;
  MessageFds third;
  ASSERT_TRUE(receiver_->Claim(2, first).ok());
  ASSERT_TRUE(receiver_->Claim(2, second).ok());
  ASSERT_TRUE(receiver_->Claim(1, third).ok());
  EXPECT_TRUE(receiver_->EndPacket().ok());
  EXPECT_EQ(first.fds.Take().size(), 2U);
  EXPECT_EQ(second.lost.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(third.lost.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(Open(), 0U);
}

TEST_F(FdReceiverTest, SoManyMayWaitToBeTaken) {
  Receive(3);
  MessageFds first;
  ASSERT_TRUE(receiver_->Claim(3, first).ok());
  Receive(3);
  {
    MessageFds second;
    MessageFds third;
    ASSERT_TRUE(receiver_->Claim(2, second).ok());
    EXPECT_TRUE(second.lost.ok());
    ASSERT_TRUE(receiver_->Claim(1, third).ok());
    EXPECT_EQ(third.lost.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_TRUE(receiver_->EndPacket().ok());
  }
  EXPECT_EQ(Open(), 0U);
  EXPECT_EQ(first.fds.Take().size(), 3U);
  for (int i = 0; i < 10; ++i) {  // those that are closed are not counted either
    Receive(3);
    MessageFds fds;
    ASSERT_TRUE(receiver_->Claim(3, fds).ok());
    EXPECT_TRUE(fds.lost.ok());
  }
}

TEST_F(FdReceiverTest, AUsersConnectionsShareItsBound) {
  const auto of_user = std::make_shared<internal::FdCount>(4);
  const std::unique_ptr<FdReceiver> one = FdReceiver::Make(3, 5, of_user);
  const std::unique_ptr<FdReceiver> other = FdReceiver::Make(3, 5, of_user);
  const auto claim = [](FdReceiver& receiver, uint16_t count, MessageFds& fds) {
    PacketFds& packet = receiver.packet();
    for (int i = 0; i < count; ++i) packet.fds.emplace_back(dup(0));
    return receiver.Claim(count, fds).ok() && fds.lost.ok();
  };
  MessageFds first;
  EXPECT_TRUE(claim(*one, 3, first));
  {
    MessageFds second;
    MessageFds third;
    EXPECT_FALSE(claim(*other, 2, second));
    EXPECT_TRUE(claim(*other, 1, third));
  }
  EXPECT_EQ(of_user->count(), 3U);
  first.fds.Take();
  EXPECT_EQ(of_user->count(), 0U);
}

}  // namespace
}  // namespace udsrpc
