// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.20;

/// Both of Chainlink's feeds speak this: AggregatorV3Interface and the sequencer uptime feed.
contract Aggregator {
    uint8 public decimals;
    uint80 private roundId;
    int256 private answer;
    uint256 private startedAt;
    uint256 private updatedAt;
    uint80 private answeredInRound;

    constructor(uint8 decimals_) {
        decimals = decimals_;
    }

    function set(uint80 roundId_, int256 answer_, uint256 startedAt_, uint256 updatedAt_, uint80 answeredInRound_) external {
        (roundId, answer, startedAt, updatedAt, answeredInRound) = (roundId_, answer_, startedAt_, updatedAt_, answeredInRound_);
    }

    function latestRoundData() external view returns (uint80, int256, uint256, uint256, uint80) {
        return (roundId, answer, startedAt, updatedAt, answeredInRound);
    }
}

/// Every way in which a wrapped or staked asset states what it is redeemable for.
contract Rates {
    uint256 private rate;
    uint256 private assetsPerShare;

    function set(uint256 rate_, uint256 assetsPerShare_) external {
        (rate, assetsPerShare) = (rate_, assetsPerShare_);
    }

    function stEthPerToken() external view returns (uint256) {
        return rate;
    }

    function getExchangeRate() external view returns (uint256) {
        return rate + 1;
    }

    function exchangeRate() external view returns (uint256) {
        return rate + 2;
    }

    function getRate() external view returns (uint256) {
        return rate + 3;
    }

    /// `assetsPerShare` is what 10^8 shares are worth.
    function convertToAssets(uint256 shares) external view returns (uint256) {
        return shares * assetsPerShare / 1e8;
    }
}

/// A Uniswap v3 pool as far as its price goes: a root, and a tick that has been the same for ever or changed once.
contract Pool {
    uint160 private root;
    int56 private before;
    int56 private since;
    uint32 private changedAt;

    function set(uint160 root_, int56 before_, int56 since_, uint32 changedAt_) external {
        (root, before, since, changedAt) = (root_, before_, since_, changedAt_);
    }

    function slot0() external view returns (uint160, int24, uint16, uint16, uint16, uint8, bool) {
        return (root, int24(since), 0, 1, 1, 0, true);
    }

    function observe(uint32[] calldata secondsAgos) external view returns (int56[] memory ticks, uint160[] memory liquidity) {
        ticks = new int56[](secondsAgos.length);
        liquidity = new uint160[](secondsAgos.length);
        for (uint256 i = 0; i < secondsAgos.length; i++) {
            require(secondsAgos[i] <= 3600, "OLD");
            int56 at = int56(uint56(block.timestamp)) - int56(uint56(secondsAgos[i]));
            int56 turn = int56(uint56(changedAt));
            ticks[i] = at < turn ? before * at : before * turn + since * (at - turn);
        }
    }
}
