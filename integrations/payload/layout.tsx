// For Payload, whose pages Next.js serves: the two lines about Script in src/app/(frontend)/layout.tsx.
// The admin panel has a layout of its own, and is not counted.
import Script from 'next/script';
import type { ReactNode } from 'react';

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        {children}
        <Script src="{{url}}/public/analytics.js" data-site="{{site}}"{{#hash}} data-hash=""{{/hash}}{{#dnt}} data-dnt=""{{/dnt}} />
      </body>
    </html>
  );
}
