// For Next.js, all from the site's own origin: these rewrites in next.config.mjs, and in the layout
// <Script src="{{path}}/script.js" data-site="{{site}}" data-endpoint="{{path}}/event"{{#hash}} data-hash=""{{/hash}}{{#dnt}} data-dnt=""{{/dnt}} />
//
// Next.js passes X-Forwarded-For on and adds nothing to it. So a proxy before it has to set that
// header, and --trusted-proxies of the analytics server has to name the address of Next.js: else all
// visitors have that one address. Without such a proxy do not name it: everyone could make up an
// address. Cookies of the site go along with what is asked for by GET.
const analytics = '{{url}}';

/** @type {import('next').NextConfig} */
const nextConfig = {
  async rewrites() {
    return [
      { source: '{{path}}/script.js', destination: `${analytics}/public/analytics.js` },
      { source: '{{path}}/event', destination: `${analytics}/api/analytics/track` },
      { source: '/settings/privacy', destination: `${analytics}/settings/privacy/{{site}}` },
      { source: '/settings/privacy/:file', destination: `${analytics}/settings/privacy/:file` },
    ];
  },
};

export default nextConfig;
